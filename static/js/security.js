"use strict";
// Pages about signing in: passkeys, and printing recovery codes.
// Without this file, or in a browser that knows no passkeys, their buttons stay hidden.
(() => {
  const toBytes = (text) => {
    const padded = text.replace(/-/g, "+").replace(/_/g, "/");
    return Uint8Array.from(atob(padded), (letter) => letter.charCodeAt(0));
  };
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");
  const listed = (all) => (all || []).map((each) => ({ ...each, id: toBytes(each.id) }));

  const fromJson = (options) => {
    const found = { ...options, challenge: toBytes(options.challenge) };
    if (options.user) found.user = { ...options.user, id: toBytes(options.user.id) };
    if (options.excludeCredentials) found.excludeCredentials = listed(options.excludeCredentials);
    if (options.allowCredentials) found.allowCredentials = listed(options.allowCredentials);
    return found;
  };

  const toJson = (credential) => {
    const given = credential.response;
    const response = { clientDataJSON: toText(given.clientDataJSON) };
    for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (given[part]) response[part] = toText(given[part]);
    }
    if (given.getTransports) response.transports = given.getTransports();
    return JSON.stringify({
      id: credential.id,
      rawId: toText(credential.rawId),
      type: credential.type,
      clientExtensionResults: {},
      response,
    });
  };

  const ask = async (form) => {
    if (!form.dataset.ask) return JSON.parse(document.getElementById(form.dataset.options).textContent);
    const answer = await fetch(form.dataset.ask, {
      method: "POST",
      credentials: "same-origin",
      redirect: "error",
      headers: { "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content },
    });
    if (!answer.ok) throw new Error("refused");
    const question = await answer.json();
    form.elements.question_id.value = question.question_id;
    return question.options;
  };

  const send = (form, credential) => {
    form.elements.passkey.value = toJson(credential);
    form.submit();
  };

  let waiting = null;
  const begin = async (form) => {
    const failed = form.querySelector("[data-passkey-failed]");
    failed.hidden = true;
    if (waiting) waiting.abort();
    try {
      const publicKey = fromJson(await ask(form));
      const makes = form.dataset.passkey === "create";
      send(form, await navigator.credentials[makes ? "create" : "get"]({ publicKey }));
    } catch {
      failed.hidden = false;
    }
  };

  // Passkeys among the suggestions of the user name field, where a browser can.
  const suggest = async (form) => {
    const can = PublicKeyCredential.isConditionalMediationAvailable;
    if (!can || !(await can.call(PublicKeyCredential))) return;
    waiting = new AbortController();
    try {
      const publicKey = fromJson(await ask(form));
      const wanted = { publicKey, mediation: "conditional", signal: waiting.signal };
      send(form, await navigator.credentials.get(wanted));
    } catch {
      // Nothing was chosen: the other ways in are on the page.
    }
  };

  if (window.PublicKeyCredential) {
    for (const form of document.querySelectorAll("form[data-passkey]")) {
      form.hidden = false;
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        begin(form);
      });
      if ("suggest" in form.dataset) suggest(form);
    }
  } else {
    for (const note of document.querySelectorAll("[data-no-passkeys]")) note.hidden = false;
  }

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
})();
