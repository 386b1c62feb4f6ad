// Sets palette and language before the first paint, so that no wrong palette flashes; theme.js takes over later.
(function () {
  var wanted = {};
  try {
    wanted = JSON.parse(localStorage.getItem("pixel-agent.prefs") || "{}") || {};
  } catch (_) {
    // no storage: use the browser's preferences
  }
  var root = document.documentElement;
  var contrast = matchMedia("(prefers-contrast: more)").matches;
  var dark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.palette = wanted.palette || (contrast ? "contrast" : dark ? "night" : "day");
  if (wanted.clear) root.dataset.clear = "";
  var first = (navigator.languages && navigator.languages[0]) || navigator.language || "zh";
  root.lang = wanted.lang === "en" || (!wanted.lang && !/^zh/i.test(first)) ? "en" : "zh-CN";
})();
