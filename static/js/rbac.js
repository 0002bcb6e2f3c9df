"use strict";
// Says beside a condition, while it is typed, what it comes to. Without this file the
// page "Try a condition" answers by its button, and saving a role checks every text.
(() => {
  const WAIT_MS = 300;
  const form = document.getElementById("try-form");
  const panel = document.getElementById("try-panel");
  const source = form || panel;
  if (!source || !window.fetch) return;
  const pending = new WeakMap();

  const valueOf = (name) => {
    const field = source.querySelector(`[name="${name}"]`);
    return field ? field.value : "";
  };

  const show = (output, verdict) => {
    output.className = verdict ? `verdict verdict--${verdict.word}` : "verdict";
    output.replaceChildren();
    if (!verdict) return;
    const word = document.createElement("strong");
    word.textContent = verdict.word;
    output.append(word, ` ${verdict.text}`);
  };

  const ask = async (text, output) => {
    const query = new URLSearchParams({
      text,
      user: valueOf(form ? "user" : "try-user"),
      attributes: valueOf(form ? "attributes" : "try-attributes"),
    });
    const asked = Symbol("asked");
    output.asked = asked;
    try {
      const answer = await fetch(`${source.dataset.tryUrl}?${query}`, {
        credentials: "same-origin",
        headers: { Accept: "application/json" },
      });
      // Only the latest question may be answered.
      if (output.asked !== asked) return;
      show(output, answer.ok ? await answer.json() : null);
    } catch {
      show(output, null);
    }
  };

  const outputOf = (area) => {
    if (form) return document.getElementById("verdict");
    let output = area.parentElement.querySelector(":scope > output.verdict");
    if (!output) {
      output = document.createElement("output");
      output.className = "verdict";
      area.after(output);
    }
    return output;
  };

  const later = (area) => {
    clearTimeout(pending.get(area));
    const output = outputOf(area);
    if (!area.value.trim()) {
      show(output, null);
      return;
    }
    pending.set(area, setTimeout(() => ask(area.value, output), WAIT_MS));
  };

  const isCondition = (element) =>
    element instanceof HTMLTextAreaElement &&
    (form ? element.name === "text" : /^grants-\d+-(condition|row_filter)$/.test(element.name));

  document.addEventListener("input", (event) => {
    if (isCondition(event.target)) {
      later(event.target);
    } else if (source.contains(event.target)) {
      document.querySelectorAll("textarea").forEach((area) => {
        if (isCondition(area) && area.value.trim()) later(area);
      });
    }
  });
})();
