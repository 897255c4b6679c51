/** Where Stately's inspector is; the one other host that the page may talk to, and only once it was asked to. */
export const inspectorOrigin = 'https://stately.ai';

/** The page that shows Stately's inspector and passes on to it what the relay tells. */
export const bridgePage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>holdfast in Stately's inspector</title>
    <link rel="stylesheet" href="bridge.css" />
    <script type="module" src="bridge.js"></script>
  </head>
  <body>
    <main>
      <h1>The statecharts of this holdfast</h1>
      <p>
        Stately's inspector is a page of stately.ai. When it is opened here, it is told of every server, group and
        manager: their ids, states, events and error messages. Secrets that holdfast knows are in none of that.
      </p>
      <p>What never leaves this machine: the dashboard of <code>holdfast up</code>, and <code>holdfast diagram</code>.</p>
      <p><button type="button">Open Stately's inspector and tell it</button></p>
      <p role="status"></p>
    </main>
  </body>
</html>
`;

export const bridgeStyle = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }
button { font: inherit; padding: 0.5rem 1rem; }
iframe { position: fixed; inset: 0; width: 100%; height: 100%; border: 0; }
`;

/** Runs in the page. The token comes in the fragment, which no browser sends anywhere, and leaves the address at once. */
export const bridgeScript = `const origin = '${inspectorOrigin}';
const token = decodeURIComponent(new URLSearchParams(location.hash.slice(1)).get('token') ?? '');
history.replaceState(null, '', location.pathname);
const status = document.querySelector('[role=status]');
const open = () => {
  const frame = document.createElement('iframe');
  frame.src = origin + '/inspect';
  frame.title = "Stately's inspector";
  let relay;
  addEventListener('message', ({ origin: from, source, data }) => {
    if (from !== origin || source !== frame.contentWindow || data?.type !== '@statelyai.connected' || relay) return;
    const address = new URL('frames', location.href);
    address.protocol = address.protocol.replace('http', 'ws');
    relay = new WebSocket(address, ['holdfast', 'token.' + token]);
    relay.addEventListener('message', (event) => {
      frame.contentWindow.postMessage(JSON.parse(event.data), origin);
    });
    relay.addEventListener('close', ({ code, reason }) => {
      frame.contentWindow?.postMessage({ type: '@statelyai.disconnected' }, origin);
      frame.remove();
      status.textContent = 'It is over: ' + (reason || 'the connection ended (' + code + ')') + '.';
    });
  });
  document.body.append(frame);
};
document.querySelector('button').addEventListener('click', open);
if (token === '') status.textContent = 'The token is missing: open the address as it was printed.';
`;
