// The library that a plug-in's page loads from the client (/api/ui/htmlClientSdk.js): the functions that the public
// documentation of remote plug-ins names, written anew from it. It speaks with the client's window by messages alone, so
// what goes in and out is cloned, and nothing but the first three functions works before `initialize` has called back.
(() => {
  "use strict";

  const base = (/^\/plugins\/[^/]+/.exec(location.pathname) || [""])[0];
  const waiting = new Map();
  const heard = { theme: [], refresh: [], dateTimeFormat: [] };
  let facts = null;
  let count = 0;

  function tell(kind, content = {}) {
    window.parent.postMessage({ toShell: kind, ...content }, location.origin);
  }

  function ask(kind, content, callback) {
    count += 1;
    waiting.set(count, callback);
    tell(kind, { number: count, ...content });
  }

  function fact(name) {
    if (facts === null) throw new Error("The library is not initialized: call htmlClientSdk.initialize first.");
    return structuredClone(facts[name]);
  }

  function demanded(callback) {
    if (typeof callback !== "function") throw new TypeError("A callback function is needed.");
    return callback;
  }

  function listen(name) {
    return (callback) => {
      fact("theme");
      heard[name].push(demanded(callback));
    };
  }

  window.addEventListener("message", (message) => {
    if (message.source !== window.parent || message.origin !== location.origin) return;
    const { answerTo, event, content, changed } = message.data || {};
    if (answerTo !== undefined) {
      const callback = waiting.get(answerTo);
      waiting.delete(answerTo);
      if (callback) callback(content);
    } else if (event in heard && facts !== null) {
      Object.assign(facts, changed);
      for (const callback of heard[event]) callback(content);
    }
  });

  function clone(config, ...functions) {
    const plain = { ...config };
    for (const name of functions) delete plain[name];
    return structuredClone(plain);
  }

  window.htmlClientSdk = {
    initialize(callback) {
      if (facts !== null) {
        if (callback) callback();
        return;
      }
      ask("begin", {}, (content) => {
        facts = content;
        if (callback) callback();
      });
    },
    isInitialized: () => facts !== null,
    getProxiedPluginServerOrigin: () => location.origin + base,

    app: {
      getContextObjects: () => fact("contextObjects"),
      getClientInfo: () => fact("clientInfo"),
      getClientLocale: () => fact("locale"),
      getTheme: () => fact("theme"),
      getApiEndpoints: () => fact("apiEndpoints"),
      getNavigationData: () => fact("navigationData"),
      getSessionInfo(callback) {
        fact("theme");
        ask("session", {}, demanded(callback));
      },
      getPluginBackendInfo(callback) {
        fact("theme");
        ask("backends", {}, demanded(callback));
      },
      navigateTo(options) {
        fact("theme");
        tell("navigate", { options: clone(options) });
      },
      navigateToClientView(options) {
        fact("theme");
        tell("clientView", { options: clone(options) });
      },
      formatDateTime(instant, options = {}) {
        if (typeof instant !== "number") throw new TypeError("An instant is a number of milliseconds since 1970.");
        const { dateStyle = "short", timeStyle = "medium" } = options;
        const format = { dateStyle, timeStyle, hourCycle: fact("hourCycle") };
        return new Intl.DateTimeFormat(fact("locale"), format).format(instant);
      },
    },

    modal: {
      open(config) {
        fact("theme");
        const { onClosed } = config;
        const plain = clone(config, "onClosed");
        plain.url = new URL(plain.url, document.baseURI).href;
        ask("open", { config: plain }, (data) => onClosed && onClosed(data));
      },
      close(data) {
        fact("theme");
        tell("close", { data });
      },
      openConfirmationModal(config) {
        fact("theme");
        const { onClosed } = config;
        ask("confirm", { config: clone(config, "onClosed") }, (data) => onClosed && onClosed(data));
      },
    },

    event: {
      onThemeChanged: listen("theme"),
      onGlobalRefresh: listen("refresh"),
      onDateTimeFormatChanged: listen("dateTimeFormat"),
    },
  };
})();
