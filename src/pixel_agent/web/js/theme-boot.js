// Runs before the first paint, so that the page never flashes in the wrong palette. The rest is main.js.
(function () {
  var wanted = {};
  try {
    wanted = JSON.parse(localStorage.getItem("pixel-agent.prefs") || "{}") || {};
  } catch (_) {
    // no storage: what the browser asks for
  }
  var root = document.documentElement;
  var contrast = matchMedia("(prefers-contrast: more)").matches;
  var dark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.palette = wanted.palette || (contrast ? "contrast" : dark ? "night" : "day");
  if (wanted.clear) root.dataset.clear = "";
  var first = (navigator.languages && navigator.languages[0]) || navigator.language || "zh";
  root.lang = wanted.lang === "en" || (!wanted.lang && !/^zh/i.test(first)) ? "en" : "zh-CN";
})();
