// Light, dark, or as the system has it. In the head, so that no page flashes in the wrong colours.
"use strict";
(() => {
  const ORDER = ["auto", "light", "dark"];
  const read = () => {
    try { return localStorage.getItem("theme") || "auto"; } catch { return "auto"; }
  };
  const apply = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  let theme = read();
  apply(theme);
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const show = () => {
      button.textContent = `◐ ${theme}`;
      button.setAttribute("aria-label", `Theme: ${theme}`);
    };
    button.addEventListener("click", () => {
      theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
      try { localStorage.setItem("theme", theme); } catch { /* private window: for this page only */ }
      apply(theme);
      show();
      document.dispatchEvent(new Event("themechange"));
    });
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    document.dispatchEvent(new Event("themechange"));
  });
})();
