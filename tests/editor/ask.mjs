// Asks a YAML language server, as an editor does, about documents with a schema.
//
//     node ask.mjs SERVER < questions.json > answers.json
//
// Questions: { schema: PATH, documents: [{ text, ask: [{ kind: "completion" | "hover", line, character }] }] }.
// Answers: [{ diagnostics: ["LINE: MESSAGE"], answers: [[LABEL...] | TEXT] }], in the same order. Lines count from 0.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const server = spawn(process.execPath, [process.argv[2], "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const { schema, documents } = JSON.parse(readFileSync(0, "utf8"));
const waiting = new Map();
const diagnostics = new Map();
let last = 0;
let buffer = Buffer.alloc(0);

function send(message) {
  const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
  server.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
  server.stdin.write(body);
}

function request(method, params) {
  const id = ++last;
  send({ id, method, params });
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

const settings = {
  yaml: {
    schemas: { [pathToFileURL(schema)]: "/*.yml" },
    schemaStore: { enable: false },
    validate: true,
    completion: true,
    hover: true,
  },
};

function answer(message) {
  const sections = { yaml: settings.yaml, http: {}, "[yaml]": {}, editor: {}, files: {} };
  const known = {
    "workspace/configuration": () => message.params.items.map((item) => sections[item.section] ?? null),
  };
  send({ id: message.id, result: known[message.method]?.() ?? null });
}

function receive(message) {
  if (message.method && message.id !== undefined) return answer(message);
  if (message.method === "textDocument/publishDiagnostics") {
    const { uri, diagnostics: found } = message.params;
    diagnostics.get(uri)?.(found.map((it) => `${it.range.start.line}: ${it.message}`));
    return;
  }
  const one = waiting.get(message.id);
  if (!one) return;
  waiting.delete(message.id);
  if (message.error) one.reject(new Error(message.error.message));
  else one.resolve(message.result);
}

server.stdout.on("data", (chunk) => {
  buffer = Buffer.concat([buffer, chunk]);
  for (;;) {
    const end = buffer.indexOf("\r\n\r\n");
    if (end < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, end).toString())[1]);
    if (buffer.length < end + 4 + length) return;
    const body = buffer.subarray(end + 4, end + 4 + length);
    buffer = buffer.subarray(end + 4 + length);
    receive(JSON.parse(body.toString()));
  }
});
server.on("exit", (code) => {
  if (waiting.size > 0) {
    console.error(`the language server ended with code ${code}`);
    process.exit(1);
  }
});

await request("initialize", {
  processId: process.pid,
  rootUri: null,
  capabilities: {
    workspace: { configuration: true },
    textDocument: {
      completion: { completionItem: { snippetSupport: true, documentationFormat: ["markdown"] } },
      hover: { contentFormat: ["markdown"] },
    },
  },
});
send({ method: "initialized", params: {} });
send({ method: "workspace/didChangeConfiguration", params: { settings } });

const answers = [];
for (const [at, { text, ask }] of documents.entries()) {
  const uri = `file:///editor/${at}.yml`;
  const told = new Promise((resolve) => diagnostics.set(uri, resolve));
  send({ method: "textDocument/didOpen", params: { textDocument: { uri, languageId: "yaml", version: 1, text } } });
  const found = await told;
  const replies = [];
  for (const { kind, line, character } of ask) {
    const params = { textDocument: { uri }, position: { line, character } };
    const reply = await request(`textDocument/${kind}`, params);
    if (kind === "completion") replies.push((reply.items ?? reply).map((item) => item.label));
    else replies.push(reply?.contents?.value ?? "");
  }
  answers.push({ diagnostics: found, answers: replies });
  send({ method: "textDocument/didClose", params: { textDocument: { uri } } });
}
await request("shutdown", null);
send({ method: "exit" });
process.stdout.write(JSON.stringify(answers));
process.stdout.end();
