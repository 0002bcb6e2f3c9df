// The live view of the audit log: whatever comes is text, never markup.
"use strict";

(() => {
  const root = document.querySelector("[data-live]");
  if (!root) return;
  const rows = root.querySelector("[data-live-rows]");
  const state = root.querySelector("[data-live-state]");
  const pause = root.querySelector("[data-live-pause]");
  const heads = [...root.querySelectorAll("thead th")].map((th) => th.textContent);
  const MOST_ROWS = 200;
  const NO_EVENT = "00000000-0000-0000-0000-000000000000";
  const OUTCOMES = ["success", "failure", "denied", "error"];
  let waiting = [];
  let shown = 0;

  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  const cell = (index, ...children) => {
    const made = element("td");
    made.dataset.label = heads[index];
    made.append(...children);
    return made;
  };

  const short = (text) => (text.length > 20 ? `…${text.slice(-8)}` : text);

  const row = (event) => {
    const made = element("tr");
    const link = element("a", event.occurred_at);
    link.href = root.dataset.eventPage.replace(NO_EVENT, encodeURIComponent(event.id));
    const outcome = OUTCOMES.includes(event.outcome) ? event.outcome : "";
    const actor = event.actor_name || (event.user_id ? short(event.user_id) : event.actor_kind);
    const resource = event.resource_type
      ? `${event.resource_type} ${short(event.resource_id)}`
      : "-";
    made.append(
      cell(0, link),
      cell(1, element("code", event.event_type)),
      cell(2, actor),
      cell(3, element("span", event.outcome, `badge badge--${outcome}`)),
      cell(4, resource),
    );
    return made;
  };

  const say = (text) => {
    state.textContent = text;
  };

  const isPaused = () => pause.getAttribute("aria-pressed") === "true";

  const show = (events) => {
    for (const event of events) rows.prepend(row(event));
    shown += events.length;
    while (rows.children.length > MOST_ROWS) rows.lastElementChild.remove();
  };

  const count = () => {
    if (isPaused()) say(`Paused, ${waiting.length} waiting`);
    else say(`Watching, ${shown} so far`);
  };

  pause.addEventListener("click", () => {
    pause.setAttribute("aria-pressed", String(!isPaused()));
    pause.textContent = isPaused() ? "Go on" : "Pause";
    if (!isPaused()) show(waiting.splice(0));
    count();
  });

  const source = new EventSource(root.dataset.source);
  source.addEventListener("open", count);
  source.addEventListener("audit", (message) => {
    const event = JSON.parse(message.data);
    if (isPaused()) waiting = [...waiting, event].slice(-MOST_ROWS);
    else show([event]);
    count();
  });
  source.addEventListener("gap", (message) => {
    say(`${JSON.parse(message.data).missed} events were left out`);
  });
  source.addEventListener("end", () => {
    source.close();
    say("Ended: you may not watch any more");
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) say("Ended. Load the page again");
    else say("Connecting again");
  });
})();
