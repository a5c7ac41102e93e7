// Requests to the server, which says in words what is wrong.

export class ServerError extends Error {
  constructor(status, answer) {
    super(answer.error ?? `the server answered ${status}`);
    this.status = status;
    this.reason = answer.reason ?? '';
  }
}

// The server is not there (any more).
export class GoneError extends Error {}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new GoneError('the server has ended: start `xmodal label` again');
  }
  if (response.ok) return response;
  let answer = {};
  try {
    answer = await response.json();
  } catch { /* not ours: the status has to do */ }
  throw new ServerError(response.status, answer);
}

export const getJson = async (path) => (await ask(path, {})).json();
export const getBytes = async (path) => (await ask(path, {})).arrayBuffer();

export async function post(path, body, {keepalive = false} = {}) {
  const response = await ask(path, {
    method: 'POST', keepalive, headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body),
  });
  return response.json();
}
