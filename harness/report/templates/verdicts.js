"use strict";
// All state is in the address: #filter=…&verdict=…&evidence=…&scale=…&sort=…&descending=1&claim=…
(() => {
  const form = document.querySelector(".controls");
  const body = document.querySelector("#verdicts tbody");
  const rows = [...body.rows];
  const holder = document.querySelector("#cards");
  const cards = new Map([...holder.querySelectorAll(".card")].map((card) => [card.dataset.claim, card]));
  const headers = [...document.querySelectorAll("#verdicts th[data-sort]")];
  const tallies = [...document.querySelectorAll(".bar [data-verdict]")];
  const fields = ["filter", "verdict", "evidence", "scale"];
  // "+" stands for itself here: a claim linked without JavaScript has it so.
  const read = () => new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B"));
  const text = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  let shown = "";  // the claim that the address names

  // "step" makes an entry of its own in the history, so that Back undoes it; typing does not.
  function write(changes, step = false) {
    const state = read();
    for (const [name, value] of Object.entries(changes)) {
      if (value) state.set(name, value); else state.delete(name);
    }
    const hash = "#" + [...state].map(([name, value]) => name + "=" + encodeURIComponent(value)).join("&");
    if (step) history.pushState(null, "", hash); else history.replaceState(null, "", hash);
    shown = read().get("claim") ?? "";
  }

  function compare(key, descending) {
    const value = (row) => row.getAttribute("data-sort-" + key);
    const numeric = ["verdict", "effect", "paper", "time"].includes(key);
    const kinds = ["effect", "paper"].includes(key);  // a ratio is not above a difference
    const kind = (row) => kinds ? Number(row.getAttribute("data-sort-kind")) : 0;
    return (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      if (kind(a) !== kind(b)) return kind(a) - kind(b);
      const order = numeric ? Number(x) - Number(y) || 0 : x.localeCompare(y);
      return descending ? -order : order;
    };
  }

  function apply() {
    const state = read();
    for (const name of fields) form.elements[name].value = state.get(name) ?? "";
    for (const tally of tallies) tally.setAttribute("aria-pressed", String(tally.dataset.verdict === state.get("verdict")));
    const words = (state.get("filter") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    let fitting = 0;
    for (const row of rows) {
      const fits = fields.slice(1).every((name) => !state.get(name) || row.dataset[name] === state.get(name))
        && words.every((word) => text.get(row).includes(word));
      row.hidden = cards.get(row.dataset.claim).hidden = !fits;
      fitting += fits;
    }
    document.querySelector("#shown").textContent = `${fitting} of ${rows.length} claims`;
    document.querySelector("#none").hidden = fitting > 0;
    const key = state.get("sort"), descending = state.get("descending") === "1";
    const known = headers.some((header) => header.dataset.sort === key);
    const order = known ? [...rows].sort(compare(key, descending)) : rows;
    body.append(...order);
    holder.append(...order.map((row) => cards.get(row.dataset.claim)));
    form.elements.order.value = known ? key + (descending ? " descending" : "") : "";
    for (const header of headers) {
      if (header.dataset.sort === key) header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else header.removeAttribute("aria-sort");
    }
  }

  function open(name) {
    const card = cards.get(name);
    if (!card) return;
    if (card.hidden) {  // filters that hide what is asked for are cleared
      write(Object.fromEntries(fields.map((field) => [field, ""])));
      apply();
    }
    card.open = true;
    card.scrollIntoView({ block: "start" });
    card.querySelector("summary").focus({ preventScroll: true });
  }

  function back(name) {
    if (cards.has(name)) cards.get(name).open = false;
    const row = rows.find((each) => each.dataset.claim === name && !each.hidden);
    if (!row) return;
    row.scrollIntoView({ block: "center" });
    row.querySelector("a").focus({ preventScroll: true });
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => {
    const [key, descending] = target.value.split(" ");
    write(target.name === "order" ? { sort: key, descending: descending && "1" } : { [target.name]: target.value });
    apply();
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    history.replaceState(null, "", "#");
    shown = "";
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
  for (const tally of tallies) {
    tally.addEventListener("click", () => {
      const verdict = tally.dataset.verdict;
      write({ verdict: read().get("verdict") === verdict ? "" : verdict }, true);
      apply();
    });
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    if (link.dataset.back) {
      write({ claim: "" }, true);
      back(link.dataset.back);
    } else {
      const name = link.dataset.open ?? link.closest("tr").dataset.claim;
      write({ claim: name }, name !== shown);
      open(name);
    }
  });
  for (const card of cards.values()) {
    // Not "toggle", which printing and searching in the page cause as well.
    card.querySelector("summary").addEventListener("click", () => {
      const name = card.dataset.claim;
      if (!card.open) write({ claim: name }, name !== shown);
      else if (shown === name) write({ claim: "" }, true);
    });
  }
  function load() {
    const [former, name] = [shown, read().get("claim") ?? ""];
    shown = name;
    apply();
    if (former && former !== name && cards.has(former)) cards.get(former).open = false;
    if (name) open(name); else if (former) back(former);
  }
  window.addEventListener("hashchange", load);
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const each of closed) each.open = true;
  });
  window.addEventListener("afterprint", () => { for (const each of closed) each.open = false; });
  load();
  // The browser goes to the address itself once the page is there, which takes the focus away.
  window.addEventListener("load", () => setTimeout(() => { if (shown) open(shown); }));
})();
