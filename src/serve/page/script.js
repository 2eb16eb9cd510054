// Sends what is dropped, and shows what the server knows. Everything from outside is set as text, never as markup.
"use strict";

const one = id => document.getElementById(id);
const grouped = number => number.toLocaleString("en");
const counted = (number, thing) => `${grouped(number)} ${thing}${number === 1 ? "" : "s"}`;
const runs = new Map();
const chosen = new Set();
let next = null;

// An element with properties and children; what is null is left out.
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}

// The answer in JSON. A refusal is thrown as it is, with `error` and `next_step`.
async function ask(method, path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { method, ...options });
  } catch {
    throw { error: "the server cannot be reached", next_step: "start it again, and send this once more" };
  }
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw { status: answer.status, error: json.error ?? `the server answered ${answer.status}`, next_step: json.next_step ?? "try again" };
  }
  return json;
}

// Uploads

const sending = [];

function take(files) {
  const wishes = {};
  if (one("words").value) wishes.words = Number(one("words").value);
  if (one("language").value.trim()) wishes.language = one("language").value.trim();
  if (one("instructions").value.trim()) wishes.instructions = one("instructions").value.trim();
  sending.push(...[...files].map(file => ({ file, name: file.name.trim(), wishes })));
  if (sending.length === files.length) sendAll();
}

// One after the other: each is read into memory, here and by the server.
async function sendAll() {
  while (sending.length > 0) {
    const upload = sending[0];
    try {
      await send(upload);
    } catch (problem) {
      refuse(upload, problem);
    }
    sending.shift();
  }
}

async function send({ file, name, wishes }) {
  const order = JSON.stringify({ name, bytes: file.size, ...wishes });
  const ordered = await ask("POST", "/v1/uploads", { body: order, headers: { "content-type": "application/json" } });
  const body = await file.arrayBuffer().catch(() => {
    throw { error: `${name} cannot be read`, next_step: "is it a folder, or has it been moved? Drop it again" };
  });
  const since = clock;
  news(await ask(ordered.method, ordered.url, { body, headers: ordered.headers }), since);
}

function refuse(upload, { status, error, next_step }) {
  const drop = () => item.remove();
  const another = name => name.replace(/(?:-(\d+))?(\.[^.]*)?$/, (_, number, ending) => `-${Number(number ?? 1) + 1}${ending ?? ""}`);
  const again = status === 409
    ? make("button", { type: "button", onclick: () => { drop(); sending.push({ ...upload, name: another(upload.name) }); if (sending.length === 1) sendAll(); } }, `Upload as ${another(upload.name)}`)
    : null;
  const item = make("li", { className: "refused" },
    make("div", { className: "head" }, make("bdi", {}, upload.name), make("span", { className: "state" }, "not uploaded")),
    make("p", {}, sentence(error)),
    make("p", { className: "next" }, again ? "Upload it under another name, or leave it." : sentence(next_step)),
    again,
    make("button", { type: "button", onclick: drop }, "Dismiss"));
  one("refused").append(item);
  tell(`${upload.name} was not uploaded: ${error}`);
}

const sentence = text => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

// Runs

// Counts what is shown, because answers may be older than events that arrived before them.
let clock = 0;

// Shows an answer to what was asked at `since`, unless something newer has been shown.
function news(status, since, first = true) {
  if ((runs.get(status.key)?.at ?? 0) <= since) show(status, first);
}

function show(status, first = true) {
  const before = runs.get(status.key);
  const run = { ...status, item: before?.item ?? make("li"), at: ++clock };
  runs.set(status.key, run);
  if (!before) one("runs")[first ? "prepend" : "append"](run.item);
  one("empty").hidden = true;
  if (before && before.status !== status.status && ["done", "failed"].includes(status.status)) tell(`${status.key}: ${STATES[status.status]}`);
  draw(run);
}

const STATES = { waiting: "waiting", transcribing: "being transcribed", summarizing: "being summarized", done: "done", failed: "failed" };

function draw(run) {
  const { item, key, status, progress, links = {} } = run;
  const isActive = document.activeElement && item.contains(document.activeElement) ? document.activeElement.dataset.part : null;
  const isOpen = item.querySelector("details")?.open ?? false;
  const state = status === "done" && run.words ? counted(run.words, "word") : STATES[status];
  const name = make("bdi", {}, links.page || links.text ? link(links.page ?? links.text, key, "page") : key);
  const parts = [make("div", { className: "head" }, name, make("span", { className: "state" }, state))];
  if (run.title) parts.push(make("p", {}, run.title));
  if (status === "summarizing") {
    const bar = make("progress", { ariaLabel: `Calls for ${key}` });
    // A bar without a value says that something is going on.
    if (progress?.of) [bar.max, bar.value] = [progress.of, progress.done];
    const note = run.waiting_for ? `Waiting: ${run.waiting_for}` : progress?.of ? `${progress.done} of ${counted(progress.of, "call")}` : "";
    parts.push(bar, make("p", { className: "next" }, note));
  }
  if (run.error) parts.push(make("p", {}, sentence(run.error)));
  if (run.next_step && status === "failed") parts.push(make("p", { className: "next" }, run.retryable ? "Do what the message says, then try again." : sentence(run.next_step)));
  if (run.warnings?.length) {
    parts.push(make("details", { open: isOpen }, make("summary", {}, counted(run.warnings.length, "note")),
      make("ul", {}, ...run.warnings.map(warning => make("li", {}, sentence(warning))))));
  }
  if (status === "done") {
    const kinds = [["page", "Page"], ["text", "Text"], ["markdown", "Markdown"], ["report", "Report"], ["chapters", "Chapters"]];
    const box = make("input", { type: "checkbox", checked: chosen.has(key), onchange: event => choose(key, event.target.checked) });
    box.dataset.part = "compare";
    parts.push(make("div", { className: "more" }, ...kinds.filter(([kind]) => links[kind]).map(([kind, title]) => link(links[kind], title, kind + "-link")),
      make("label", {}, box, "Compare")));
  }
  if (status === "failed" && run.retryable || status === "waiting" && run.next_step) {
    const begin = async event => {
      event.target.disabled = true;
      const since = clock;
      try {
        news(await ask("POST", `/v1/summaries?key=${encodeURIComponent(key)}`), since);
      } catch (problem) {
        show({ key, status: "failed", retryable: true, error: problem.error, next_step: problem.next_step });
      }
    };
    parts.push(make("button", { type: "button", onclick: begin }, status === "failed" ? "Try again" : "Summarize"));
  }
  item.className = status;
  item.replaceChildren(...parts);
  if (isActive) item.querySelector(`[data-part="${isActive}"]`)?.focus();
}

function link(address, text, part) {
  const found = make("a", { href: address, target: "_blank", rel: "noopener" }, text);
  found.dataset.part = part;
  return found;
}

const tell = text => { one("told").textContent = text; };

async function list(after) {
  const query = after ? `?after=${encodeURIComponent(after)}` : "";
  let since = clock;
  const listed = await ask("GET", `/v1/summaries${query}`);
  next = listed.next;
  one("more").hidden = next === null;
  one("empty").hidden = runs.size + listed.summaries.length > 0;
  // A list leaves out links and warnings: those that are known stay, the others are asked for one by one.
  for (const status of listed.summaries) {
    const known = runs.get(status.key);
    if (known?.status !== status.status || status.status !== "done") news(status, since, false);
  }
  for (const { key, status } of listed.summaries) {
    if (!["done", "failed"].includes(status) || runs.get(key).links) continue;
    since = clock;
    // What is wrong with one transcript hides no other.
    const whole = await ask("GET", `/v1/summaries?key=${encodeURIComponent(key)}`).catch(() => null);
    if (whole) news(whole, since, false);
  }
}

// What the server tells. A tab that is not seen lets go: a browser keeps few connections to one server.

let events = null;

function watch() {
  events?.close();
  events = new EventSource("/v1/events");
  events.onopen = () => { one("offline").hidden = true; list().catch(() => {}); };
  events.onerror = () => {
    one("offline").hidden = false;
    if (events.readyState === EventSource.CLOSED) setTimeout(watch, 3000);
  };
  events.addEventListener("status", event => show(JSON.parse(event.data)));
  events.addEventListener("missed", () => list().catch(() => {}));
}

document.addEventListener("visibilitychange", () => document.hidden ? events?.close() : watch());

// Two runs beside each other

function choose(key, isChosen) {
  if (isChosen) chosen.add(key); else chosen.delete(key);
  // A third one takes the place of the first.
  if (chosen.size > 2) {
    const first = chosen.values().next().value;
    chosen.delete(first);
    draw(runs.get(first));
  }
  if (chosen.size === 2) compare([...chosen]); else one("comparison").hidden = true;
}

const paragraphs = text => text.split("\n").filter(line => line.trim()).map(line => make("p", {}, line));

async function compare(keys) {
  const reports = await Promise.all(keys.map(key => ask("GET", runs.get(key).links.report))).catch(() => null);
  if (!reports) return;
  const rows = [
    ["Title", report => report.title ?? "–"],
    ["Words", report => `${grouped(report.summary.words)} of ${grouped(report.summary.target_words)} wanted`],
    ["From", report => `${counted(report.source.words ?? 0, "word")}, ${counted(report.speakers.length, "speaker")}`],
    ["Model", report => [report.model.model, report.model.provider].filter(Boolean).join(", ")],
    ["Sections", report => grouped(report.sections.length)],
    ["Decisions, actions, open questions", report => [report.decisions, report.actions, report.open_questions].map(list => grouped(list.length)).join(", ")],
    ["Calls", report => counted(report.usage.calls, "call")],
    ["Tokens", report => `${grouped(report.usage.prompt_tokens)} in prompts, ${grouped(report.usage.completion_tokens)} in answers`],
    ["Time", report => `${(report.duration_ms / 1000).toFixed(1)} s`],
    ["Notes", report => report.warnings.join(" ") || "–"],
  ];
  one("figures").replaceChildren(
    make("thead", {}, make("tr", {}, make("td"), ...keys.map(key => make("th", { scope: "col" }, make("bdi", {}, key))))),
    make("tbody", {}, ...rows.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), ...reports.map(report => make("td", {}, value(report)))))));
  one("texts").replaceChildren(...reports.map((report, nth) => make("article", { lang: report.language ?? "", ariaLabel: keys[nth] },
    make("h3", { className: "kicker" }, make("bdi", {}, keys[nth])),
    ...paragraphs(report.overview ?? ""),
    ...report.sections.flatMap(section => [make("h3", {}, section.title), ...paragraphs(section.text)]))));
  one("comparison").hidden = false;
  one("comparison").scrollIntoView();
  one("comparison").focus({ preventScroll: true });
}

one("close").onclick = () => {
  const keys = [...chosen];
  chosen.clear();
  keys.forEach(key => draw(runs.get(key)));
  one("comparison").hidden = true;
};

// Whatever is dropped beside the place for it must not replace the page.

const drop = one("drop");
document.addEventListener("dragover", event => event.preventDefault());
document.addEventListener("drop", event => {
  event.preventDefault();
  drop.classList.remove("over");
  take(event.dataTransfer.files);
});
document.addEventListener("dragenter", () => drop.classList.add("over"));
document.addEventListener("dragleave", event => { if (!event.relatedTarget) drop.classList.remove("over"); });
one("files").onchange = event => { take(event.target.files); event.target.value = ""; };
one("more").onclick = () => list(next).catch(() => {});

ask("GET", "/v1/settings").then(found => {
  const model = found.model ? `${found.model} at ${found.provider}` : found.provider === "extractive" ? "the built-in model, which quotes" : found.provider;
  one("settings").replaceChildren(make("span", {}, model), make("span", {}, found.place));
  one("words").placeholder = grouped(found.words);
  one("accepted").textContent = `Text or captions (${found.endings.slice(0, 5).join(" ")} …), up to ${grouped(Math.floor(found.max_bytes / 1e6))} MB each.`;
}).catch(() => {});
watch();
