// Sorts the table by the column whose heading is clicked.
"use strict";
(() => {
  const table = document.getElementById("index");
  if (!table) return;
  const heads = [...table.querySelectorAll("thead th")];
  table.querySelector("thead").addEventListener("click", (event) => {
    const head = event.target.closest("th[aria-sort]");
    if (!head) return;
    const column = heads.indexOf(head);
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of heads) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => row.children[column].dataset.value;
    const rows = [...table.tBodies[0].rows].sort((a, b) => value(a).localeCompare(value(b), undefined, { numeric: true }));
    table.tBodies[0].append(...(down ? rows.reverse() : rows));
  });
})();
