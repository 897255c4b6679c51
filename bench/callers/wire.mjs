// The same request over the same HTTP library and nothing else: no session, no id of its own, no cap, no check of what comes. What a
// client that uses it cannot be cheaper than.
import { Pool } from 'undici';

const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ok', arguments: {} } });

export async function connect({ server: { url } }) {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: 64 });
  const call = () =>
    new Promise((resolve, reject) => {
      let text = '';
      const handler = {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData: (_, chunk) => (text += chunk),
        onResponseEnd: () => resolve(JSON.parse(text).result.content[0].text),
        onResponseError: (_, error) => reject(new Error(`the request failed: ${error.message}`)),
      };
      pool.dispatch({ method: 'POST', path: pathname, headers, body }, handler);
    });
  return { call, close: () => pool.destroy() };
}
