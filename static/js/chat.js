"use strict";
// Makes the chat quicker: asks through the API and shows the answer as it streams.
// Without this file the forms of the page do the same by plain POST.
(() => {
  const chat = document.getElementById("chat");
  const ask = document.getElementById("ask-form");
  if (!chat || !ask || !window.fetch || !window.ReadableStream) return;
  const codeForm = document.getElementById("code-form");
  const list = document.getElementById("messages");
  const notices = document.getElementById("notices");
  const template = document.getElementById("message-template");
  const csrf = document.querySelector("meta[name=csrf-token]").content;
  let conversation = chat.dataset.conversation || "";

  const send = (path, body, accept) =>
    fetch(`/api/v1/${path}`, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrf, Accept: accept },
      body: JSON.stringify(body),
    });

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  const bubble = (className, text) => {
    const item = template.content.firstElementChild.cloneNode(true);
    item.classList.add(className);
    item.firstElementChild.textContent = text;
    list.append(item);
    item.scrollIntoView({ block: "nearest" });
    return item;
  };

  const showNotice = (text) => {
    notices.replaceChildren(element("p", "notice notice--bad", text));
  };

  // Numbers that name something have no separators; the rest of a column the same places.
  const places = (name, values) => {
    if (["year", "quarter", "month"].includes(name) || name.endsWith("_id")) return null;
    return values.some((value) => typeof value === "number" && !Number.isInteger(value)) ? 2 : 0;
  };

  const showCell = (cell, value, digits) => {
    cell.textContent = value === null ? "" : value;
    if (typeof value === "number") {
      cell.className = "number";
      if (digits !== null) {
        const form = { minimumFractionDigits: digits, maximumFractionDigits: digits };
        cell.textContent = value.toLocaleString("en-GB", form);
      }
    }
    // Short values stay on one line; notes and other long texts wrap.
    if (typeof value === "string" && value.length > 32) cell.className = "long";
  };

  const showTable = (item, { columns, rows }) => {
    const scroll = element("div", "table-scroll");
    scroll.tabIndex = 0;
    const table = element("table", "table");
    const head = table.createTHead().insertRow();
    const digits = columns.map((name, at) => places(name, rows.map((row) => row[at])));
    for (const [at, name] of columns.entries()) {
      const isNumber = rows.some((row) => typeof row[at] === "number");
      const cell = element("th", isNumber ? "number" : "", name.replaceAll("_", " "));
      cell.scope = "col";
      head.append(cell);
    }
    const body = table.createTBody();
    for (const row of rows) {
      const line = body.insertRow();
      for (const [at, value] of row.entries()) showCell(line.insertCell(), value, digits[at]);
    }
    scroll.append(table);
    item.append(scroll);
  };

  const showRest = (item, answer) => {
    item.classList.add(`message--${answer.status}`);
    if (answer.required) {
      const line = element("p", "muted", "Missing permission: ");
      line.append(element("code", "", answer.required));
      item.append(line);
    }
    if (answer.options && answer.options.length) {
      const options = element("ul", "message__options");
      for (const option of answer.options) {
        const choice = element("button", "button button--quiet button--small", option.text);
        choice.type = "button";
        choice.addEventListener("click", () => {
          ask.elements.text.value = option.text;
          ask.requestSubmit();
          ask.elements.text.focus();
        });
        const line = element("li");
        line.append(choice);
        options.append(line);
      }
      item.append(options);
    }
    const reasons = (answer.decision && answer.decision.reasons) || [];
    if (reasons.length) {
      const whyTitle = answer.status === "denied" ? "Why was this refused?" : "Why may I see this?";
      const why = element("details", "message__why");
      why.append(element("summary", "", whyTitle));
      const told = element("ul");
      for (const reason of reasons) told.append(element("li", "", reason.text));
      why.append(told);
      item.append(why);
    }
    codeForm.hidden = !answer.mfa_session_id;
    codeForm.elements.mfa_session_id.value = answer.mfa_session_id || "";
    if (answer.mfa_session_id) codeForm.elements.code.focus();
  };

  const handle = (item, name, data) => {
    const text = item.firstElementChild;
    if (name === "delta") text.textContent += data.text;
    if (name === "table") showTable(item, data);
    if (name === "message.completed") showRest(item, data);
    if (name === "error") {
      item.remove();
      showNotice(data.detail || data.message || "Something went wrong.");
    }
    item.scrollIntoView({ block: "nearest" });
  };

  const readEvents = async (response, item) => {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      buffer += value;
      let end = buffer.indexOf("\n\n");
      while (end >= 0) {
        const lines = buffer.slice(0, end).split("\n");
        buffer = buffer.slice(end + 2);
        const name = lines.find((line) => line.startsWith("event: "));
        const data = lines.find((line) => line.startsWith("data: "));
        if (name && data) handle(item, name.slice(7), JSON.parse(data.slice(6)));
        end = buffer.indexOf("\n\n");
      }
    }
  };

  const show = async (response) => {
    const type = response.headers.get("Content-Type") || "";
    if (type.startsWith("text/event-stream") && response.ok) {
      await readEvents(response, bubble("message--assistant", ""));
      return;
    }
    const told = await response.json();
    showNotice(told.detail || told.message || "Something went wrong.");
  };

  const start = async () => {
    if (conversation) return;
    const response = await send("conversations", {}, "application/json");
    if (!response.ok) throw new Error("no conversation");
    conversation = (await response.json()).id;
    window.history.replaceState(null, "", `/chat/${conversation}`);
    ask.action = `/chat/${conversation}`;
    codeForm.action = `/chat/${conversation}/code`;
    document.getElementById("code-other").href = `/account/confirm?next=/chat/${conversation}`;
    const suggestions = document.getElementById("suggestions");
    if (suggestions) suggestions.remove();
  };

  const busy = async (form, work) => {
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    notices.replaceChildren();
    try {
      await work();
    } catch {
      showNotice("The answer did not arrive. Please try again.");
    } finally {
      button.disabled = false;
    }
  };

  ask.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = ask.elements.text.value.trim();
    if (!text) return;
    busy(ask, async () => {
      await start();
      // A code is not shown again, as it is not kept either.
      const isCode = /^[0-9]{6}$/.test(text);
      bubble("message--user", isCode ? "······" : text);
      ask.reset();
      await show(await send(`conversations/${conversation}/messages`, { text }, "text/event-stream"));
    });
  });

  codeForm.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = {
      mfa_session_id: codeForm.elements.mfa_session_id.value,
      code: codeForm.elements.code.value.trim(),
    };
    busy(codeForm, async () => {
      codeForm.elements.code.value = "";
      await show(await send(`conversations/${conversation}/mfa`, body, "text/event-stream"));
    });
  });

  ask.elements.text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      ask.requestSubmit();
    }
  });
})();
