// The live view of the audit log: whatever comes is text, never markup.
"use strict";

(() => {
  const root = document.querySelector("[data-live]");
  if (!root) return;
  const rows = root.querySelector("[data-live-rows]");
  const state = root.querySelector("[data-live-state]");
  const pause = root.querySelector("[data-live-pause]");
  const pattern = root.querySelector("[data-live-row]").content.firstElementChild;
  const MOST_ROWS = 200;
  const OUTCOMES = ["success", "failure", "denied", "error"];
  let waiting = [];
  let shown = 0;
  let isPaused = false;

  const short = (text) => (text.length > 20 ? `…${text.slice(-8)}` : text);

  const row = (event) => {
    const made = pattern.cloneNode(true);
    const cell = (number) => made.children[number];
    const link = cell(0).firstElementChild;
    const outcome = cell(3).firstElementChild;
    link.textContent = event.occurred_at;
    link.href = `/admin/audit/events/${encodeURIComponent(event.id)}`;
    cell(1).firstElementChild.textContent = event.event_type;
    cell(2).textContent =
      event.actor_name || (event.user_id ? short(event.user_id) : event.actor_kind);
    outcome.textContent = event.outcome;
    if (OUTCOMES.includes(event.outcome)) outcome.classList.add(`badge--${event.outcome}`);
    cell(4).textContent = event.resource_type
      ? `${event.resource_type} ${short(event.resource_id)}`
      : "-";
    return made;
  };

  const say = (text) => {
    state.textContent = text;
  };

  const show = (events) => {
    for (const event of events) rows.prepend(row(event));
    shown += events.length;
    while (rows.children.length > MOST_ROWS) rows.lastElementChild.remove();
  };

  const count = () => {
    if (isPaused) say(`Paused, ${waiting.length} waiting`);
    else say(`Watching, ${shown} so far`);
  };

  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.textContent = isPaused ? "Go on" : "Pause";
    if (!isPaused) show(waiting.splice(0));
    count();
  });

  const source = new EventSource(root.dataset.source);
  source.addEventListener("open", count);
  source.addEventListener("audit", (message) => {
    const event = JSON.parse(message.data);
    if (isPaused) waiting = [...waiting, event].slice(-MOST_ROWS);
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
