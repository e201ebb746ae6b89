"use strict";
// All state is in the address: #filter=…&verdict=…&evidence=…&scale=…&sort=…&descending=1&claim=…
(() => {
  const form = document.querySelector(".controls");
  const body = document.querySelector("#verdicts tbody");
  const rows = [...body.rows];
  const cards = new Map([...document.querySelectorAll(".card")].map((card) => [card.dataset.claim, card]));
  const headers = [...document.querySelectorAll("#verdicts th[data-sort]")];
  const fields = ["filter", "verdict", "evidence", "scale"];
  // "+" stands for itself here: a claim linked without JavaScript has it so.
  const read = () => new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B"));
  const text = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  function write(changes) {
    const state = read();
    for (const [name, value] of Object.entries(changes)) {
      if (value) state.set(name, value); else state.delete(name);
    }
    const hash = [...state].map(([name, value]) => name + "=" + encodeURIComponent(value)).join("&");
    history.replaceState(null, "", "#" + hash);
  }

  function compare(key, descending) {
    const value = (row) => row.getAttribute("data-sort-" + key);
    const numeric = ["verdict", "effect", "paper", "time"].includes(key);
    return (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      const order = numeric ? Number(x) - Number(y) : x.localeCompare(y);
      return descending ? -order : order;
    };
  }

  function apply() {
    const state = read();
    for (const name of fields) form.elements[name].value = state.get(name) ?? "";
    const words = (state.get("filter") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const fits = fields.slice(1).every((name) => !state.get(name) || row.dataset[name] === state.get(name))
        && words.every((word) => text.get(row).includes(word));
      row.hidden = cards.get(row.dataset.claim).hidden = !fits;
      shown += fits;
    }
    document.querySelector("#shown").textContent = `${shown} of ${rows.length} claims`;
    document.querySelector("#none").hidden = shown > 0;
    const key = state.get("sort"), descending = state.get("descending") === "1";
    const known = headers.some((header) => header.dataset.sort === key);
    const order = known ? [...rows].sort(compare(key, descending)) : rows;
    body.append(...order);
    const parent = document.querySelector("#none").parentElement;
    for (const row of order) parent.insertBefore(cards.get(row.dataset.claim), document.querySelector("#none"));
    for (const header of headers) {
      if (header.dataset.sort === key) header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else header.removeAttribute("aria-sort");
    }
  }

  function open(name) {
    const card = cards.get(name);
    if (!card) return;
    card.hidden = false;
    card.open = true;
    card.scrollIntoView({ block: "start" });
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => { write({ [event.target.name]: event.target.value }); apply(); });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    history.replaceState(null, "", "#");
    apply();
  });
  for (const header of headers) {
    header.addEventListener("click", () => {
      const state = read(), key = header.dataset.sort;
      const again = state.get("sort") === key;
      if (again && state.get("descending")) write({ sort: "", descending: "" });
      else write({ sort: key, descending: again ? "1" : "" });
      apply();
    });
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    const verdict = link.dataset.verdict;
    if (verdict !== undefined) {
      write({ verdict: read().get("verdict") === verdict ? "" : verdict });
      apply();
    } else {
      const name = link.closest("tr").dataset.claim;
      write({ claim: name });
      open(name);
    }
  });
  for (const card of cards.values()) {
    card.addEventListener("toggle", (event) => {
      if (event.target !== card) return;
      if (!card.open && read().get("claim") === card.dataset.claim) write({ claim: "" });
    });
  }
  function load() { apply(); open(read().get("claim")); }
  window.addEventListener("hashchange", load);
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const each of closed) each.open = true;
  });
  window.addEventListener("afterprint", () => { for (const each of closed) each.open = false; });
  load();
})();
