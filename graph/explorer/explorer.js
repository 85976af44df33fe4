// The explorer: asks the server for its schema once, then suggests, documents, runs and follows.

const $ = (id) => document.getElementById(id);
const query = $("query"), variables = $("variables"), result = $("result"), status = $("status");
const suggestions = $("suggestions"), historySelect = $("history");
const HISTORY_MAX = 20, SUGGESTIONS_MAX = 40;
const WELCOME = `query Stores($first: Int!) {
  brand { name }
  stores(first: $first) {
    nodes { name city serviceFee { text } }
    pageInfo { hasNextPage endCursor }
  }
}
`;
const INTROSPECTION = `query Introspection {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name description
      fields(includeDeprecated: true) { name description isDeprecated deprecationReason args { ...Value } type { ...Ref } }
      inputFields { ...Value }
      enumValues(includeDeprecated: true) { name description }
      possibleTypes { name }
      interfaces { name }
    }
  }
}
fragment Value on __InputValue { name description defaultValue type { ...Ref } }
fragment Ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }`;

let types = new Map(), roots = {}, chosen = -1, offered = [], socket = null, trail = [];

// --- asking ----------------------------------------------------------------------------------------------------------

function headers() {
  const found = { "Content-Type": "application/json", "Accept-Language": $("locale").value };
  if ($("bearer").value) found.Authorization = `Bearer ${$("bearer").value}`;
  if ($("brand").value) found["X-Muster-Brand"] = $("brand").value;
  return found;
}

async function ask(payload) {
  const answer = await fetch("/graphql", { method: "POST", headers: headers(), body: JSON.stringify(payload) });
  return { answer, body: await answer.json() };
}

function readVariables() {
  const text = variables.value.trim();
  return text ? JSON.parse(text) : {};
}

async function run() {
  let given;
  try { given = readVariables(); } catch (error) {
    status.textContent = `The variables are no JSON: ${error.message}`;
    variables.focus();
    return;
  }
  remember();
  stop();
  if (/^\s*(#.*\n\s*)*subscription\b/.test(query.value)) { follow(given); return; }
  status.textContent = "Asking…";
  const started = performance.now();
  try {
    const { answer, body } = await ask({ query: query.value, variables: given });
    result.textContent = JSON.stringify(body, null, 2);
    const trouble = body.errors ? `, ${body.errors.length} error(s)` : "";
    status.textContent = `${answer.status}${trouble}, ${Math.round(performance.now() - started)} ms, request ${answer.headers.get("x-request-id") ?? "?"}`;
  } catch (error) { status.textContent = `No answer: ${error.message}`; }
}

function follow(given) {
  const address = new URL("/graphql", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(address, "graphql-transport-ws");
  $("stop").hidden = false;
  status.textContent = "Connecting…";
  socket.onopen = () => {
    const payload = { locale: $("locale").value };
    if ($("bearer").value) payload.token = $("bearer").value;
    if ($("brand").value) payload.brand = $("brand").value;
    socket.send(JSON.stringify({ type: "connection_init", payload }));
  };
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.type === "connection_ack") {
      socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query: query.value, variables: given } }));
      status.textContent = "Following…";
    } else if (message.type === "ping") socket.send('{"type":"pong"}');
    else if (message.payload) result.textContent = JSON.stringify(message.payload, null, 2);
    if (message.type === "complete" || message.type === "error") stop();
  };
  socket.onclose = (event) => { status.textContent = `Closed ${event.code} ${event.reason}`; $("stop").hidden = true; };
}

function stop() {
  if (socket) { socket.close(1000); socket = null; }
  $("stop").hidden = true;
}

// --- history ---------------------------------------------------------------------------------------------------------
// It ends with the tab: variables hold passwords and tokens, and others may use the same machine.

function readHistory() {
  try { return JSON.parse(sessionStorage.getItem("muster-history")) ?? []; } catch { return []; }
}

function remember() {
  const entry = { query: query.value, variables: variables.value };
  const others = readHistory().filter((one) => one.query !== entry.query || one.variables !== entry.variables);
  sessionStorage.setItem("muster-history", JSON.stringify([entry, ...others].slice(0, HISTORY_MAX)));
  showHistory();
}

function showHistory() {
  const entries = readHistory();
  historySelect.replaceChildren(new Option("–", ""), ...entries.map((one, index) =>
    new Option(one.query.replace(/\s+/g, " ").trim().slice(0, 50), String(index))));
}

historySelect.addEventListener("change", () => {
  const entry = readHistory()[Number(historySelect.value)];
  if (historySelect.value !== "" && entry) { query.value = entry.query; variables.value = entry.variables; }
});

// --- suggesting ------------------------------------------------------------------------------------------------------

const named = (type) => { while (type && type.ofType) type = type.ofType; return type ? types.get(type.name) : undefined; };
const written = (type) => type.kind === "NON_NULL" ? `${written(type.ofType)}!` : type.kind === "LIST" ? `[${written(type.ofType)}]` : type.name;
const fieldOf = (type, name) => type?.fields?.find((one) => one.name === name);

// Follows braces and parentheses up to the caret; returns what may stand there.
function whatFits(text) {
  const tokens = text.replace(/#[^\n]*/g, "").match(/"""[\s\S]*?"""|"(?:[^"\\]|\\.)*"?|\.\.\.|[A-Za-z_]\w*|[{}()[\]:$@!=|]|\d+/g) ?? [];
  const stack = [];
  let root = roots.query, last = null, previous = "", parens = 0, field = null, before = "";
  for (const token of tokens) {
    if (token === "{" && parens === 0) {
      if (stack.length === 0) stack.push(last ?? root);
      else stack.push(last);
      last = null; field = null;
    } else if (token === "}" && parens === 0) { stack.pop(); last = null; field = null; }
    else if (token === "(") parens += 1;
    else if (token === ")") parens = Math.max(0, parens - 1);
    else if (parens === 0 && /^[A-Za-z_]/.test(token)) {
      if (stack.length === 0) {
        if (roots[token] && previous !== "on") root = roots[token];
        if (previous === "on") last = types.get(token);
      } else if (previous === "on" && before === "...") last = types.get(token);
      else if (previous !== "..." && previous !== "@") {
        field = fieldOf(stack[stack.length - 1], token) ?? null;
        last = field ? named(field.type) : null;
      }
    }
    before = previous; previous = token;
  }
  return { type: stack[stack.length - 1], field, inArguments: parens > 0, previous, before };
}

function suggest() {
  const caret = query.selectionStart;
  const text = query.value.slice(0, caret);
  const word = /[A-Za-z_]\w*$/.exec(text)?.[0] ?? "";
  const place = whatFits(text.slice(0, text.length - word.length));
  let options = [];
  if (place.previous === "on") {
    options = [...types.values()].filter((one) => ["OBJECT", "INTERFACE"].includes(one.kind) && fits(one, place.type))
      .map((one) => ({ name: one.name, note: "" }));
  } else if (place.inArguments && place.field) {
    options = place.field.args.map((one) => ({ name: `${one.name}: `, note: written(one.type) }));
  } else if (place.type) {
    options = (place.type.fields ?? []).map((one) => ({ name: one.name, note: written(one.type) }));
    options.push({ name: "__typename", note: "String!" });
    for (const one of place.type.possibleTypes ?? []) options.push({ name: `... on ${one.name}`, note: "" });
  } else options = Object.keys(roots).map((name) => ({ name, note: "" }));
  const small = word.toLowerCase();
  offered = options.filter((one) => one.name.toLowerCase().includes(small))
    .sort((a, b) => Number(!a.name.toLowerCase().startsWith(small)) - Number(!b.name.toLowerCase().startsWith(small)))
    .slice(0, SUGGESTIONS_MAX).map((one) => ({ ...one, word }));
  chosen = offered.length ? 0 : -1;
  showSuggestions();
}

function fits(type, parent) {
  return !parent?.possibleTypes?.length || parent.possibleTypes.some((one) => one.name === type.name);
}

function showSuggestions() {
  suggestions.hidden = offered.length === 0;
  suggestions.replaceChildren(...offered.map((one, index) => {
    const item = document.createElement("li");
    item.id = `suggestion-${index}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(index === chosen));
    item.textContent = one.note ? `${one.name} ${one.note}` : one.name;
    item.addEventListener("mousedown", (event) => { event.preventDefault(); chosen = index; take(); });
    return item;
  }));
  if (chosen >= 0) {
    query.setAttribute("aria-activedescendant", `suggestion-${chosen}`);
    $(`suggestion-${chosen}`).scrollIntoView({ block: "nearest" });
  } else query.removeAttribute("aria-activedescendant");
}

function take() {
  const one = offered[chosen];
  closeSuggestions();
  if (!one) return;
  const caret = query.selectionStart;
  query.setRangeText(one.name, caret - one.word.length, caret, "end");
  query.focus();
}

function closeSuggestions() { offered = []; chosen = -1; showSuggestions(); }

query.addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key === " ") { event.preventDefault(); suggest(); return; }
  if (offered.length === 0) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    chosen = (chosen + (event.key === "ArrowDown" ? 1 : offered.length - 1)) % offered.length;
    showSuggestions();
  } else if (event.key === "Enter" && !event.ctrlKey) { event.preventDefault(); take(); }
  else if (event.key === "Escape") { event.preventDefault(); closeSuggestions(); }
});
query.addEventListener("input", (event) => {
  if (event.inputType === "insertText" && /[A-Za-z_]/.test(event.data ?? "")) suggest(); else closeSuggestions();
});
query.addEventListener("blur", closeSuggestions);
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") { event.preventDefault(); closeSuggestions(); run(); }
});

// --- documentation ---------------------------------------------------------------------------------------------------

function make(tag, text, className) {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function typeButton(type) {
  const target = named(type) ?? type;
  const button = make("button", written(type));
  button.type = "button";
  button.addEventListener("click", () => showType(target.name));
  return button;
}

function memberItem(member) {
  const item = make("li"), line = make("code", "", member.isDeprecated ? "gone" : "");
  line.append(member.name);
  if (member.args?.length) {
    line.append("(");
    member.args.forEach((one, index) => { line.append(index ? ", " : "", `${one.name}: `, typeButton(one.type)); });
    line.append(")");
  }
  if (member.type) line.append(": ", typeButton(member.type));
  item.append(line);
  if (member.description) item.append(make("p", member.description));
  if (member.deprecationReason) item.append(make("p", `Deprecated: ${member.deprecationReason}`));
  return item;
}

function showType(name, keep = true) {
  const type = types.get(name);
  if (!type) return;
  if (keep && trail[trail.length - 1] !== name) trail = [...trail, name].slice(-6);
  $("trail").replaceChildren(...["All types", ...trail].flatMap((one, index) => {
    const button = make("button", one);
    button.type = "button";
    button.addEventListener("click", () => {
      trail = trail.slice(0, index);
      if (index) showType(one, false); else showAll();
    });
    return [button, " "];
  }));
  const list = make("ul");
  list.append(...[...(type.fields ?? []), ...(type.inputFields ?? []), ...(type.enumValues ?? [])].map(memberItem));
  for (const one of type.possibleTypes ?? []) list.append(memberItem({ name: "or", type: { kind: "OBJECT", name: one.name } }));
  $("docs").replaceChildren(make("h3", `${type.kind.toLowerCase().replace("_", " ")} ${type.name}`), make("p", type.description ?? ""), list);
}

function showAll() {
  const text = $("search").value.trim().toLowerCase();
  const list = make("ul");
  for (const type of types.values()) {
    if (type.name.startsWith("__")) continue;
    const hits = text ? (type.fields ?? type.inputFields ?? []).filter((one) => one.name.toLowerCase().includes(text)) : [];
    if (text && !type.name.toLowerCase().includes(text) && hits.length === 0) continue;
    const item = make("li");
    item.append(typeButton({ kind: type.kind, name: type.name }));
    if (hits.length) item.append(make("p", hits.map((one) => one.name).join(", ")));
    list.append(item);
  }
  trail = [];
  $("trail").replaceChildren();
  $("docs").replaceChildren(list);
}

$("search").addEventListener("input", showAll);

// --- start -----------------------------------------------------------------------------------------------------------

$("run").addEventListener("click", run);
$("stop").addEventListener("click", stop);
query.value = readHistory()[0]?.query ?? WELCOME;
variables.value = readHistory()[0]?.variables ?? '{ "first": 3 }';
$("locale").value = navigator.language?.startsWith("zh") ? "zh-CN" : "en";
showHistory();
try {
  const { body } = await ask({ query: INTROSPECTION });
  const schema = body.data.__schema;
  types = new Map(schema.types.map((one) => [one.name, one]));
  roots = { query: types.get(schema.queryType.name) };
  if (schema.mutationType) roots.mutation = types.get(schema.mutationType.name);
  if (schema.subscriptionType) roots.subscription = types.get(schema.subscriptionType.name);
  showType(schema.queryType.name);
  status.textContent = `Schema read: ${types.size} types.`;
} catch (error) { status.textContent = `The schema could not be read: ${error.message}`; }
