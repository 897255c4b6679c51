// What hostile servers do, and what of it a caller asks for.
const standsMs = 3_000;

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const stdioServer = new URL('../servers/hostile-stdio.mjs', import.meta.url);
const httpServer = new URL('../servers/hostile-http.mjs', import.meta.url);

/** What a caller does when the attack begins; for some it begins with the connection, so that there is none before. */
const call = { connectsFirst: true, strike: ({ session }) => session.call('attack') };
const standBy = {
  connectsFirst: true,
  strike: async ({ session, url }) => {
    const before = await streamsSeen(url);
    await wait(standsMs);
    const seen = (await streamsSeen(url)) - before;
    return `${await session.call('ok')}; ${(seen / (standsMs / 1_000)).toFixed(1)} GETs/s`;
  },
};
const list = {
  connectsFirst: false,
  strike: async ({ connect }) => {
    const session = await connect();
    return `${await session.list()} tools`;
  },
};
const listAndCall = {
  connectsFirst: false,
  strike: async ({ connect }) => {
    const session = await connect();
    await session.list();
    return session.call('attack');
  },
};
/** Ten times what a session takes at once and lets wait: 64 and 256. */
const tooMany = {
  connectsFirst: true,
  strike: async ({ session, describe }) => {
    const ends = new Map();
    const count = (end) => ends.set(end, (ends.get(end) ?? 0) + 1);
    const calls = Array.from({ length: 3_200 }, () =>
      session.call('attack').then(count, (error) => count(describe(error))),
    );
    await Promise.all(calls);
    return Array.from(ends, ([end, times]) => `${times} ${end}`).join('; ');
  },
};

async function streamsSeen(url) {
  const answer = await fetch(new URL('/seen', url));
  return (await answer.json()).streams;
}

const overHttp = (name, title, does = call) => ({ name, title, file: httpServer, isHttp: true, ...does });
const overStdio = (name, title, does = call) => ({ name, title, file: stdioServer, isHttp: false, ...does });

/** `strike` gives what the caller got, and throws what he caught. */
export const attacks = [
  overHttp('json-bomb', '1 GiB of JSON, 1 MB packed'),
  overHttp('sse-bomb', 'the same as one event'),
  overHttp('endless-error', 'status 500 and a body without end'),
  overHttp('long-event', '300 MB event on the standing stream'),
  overHttp('retry-0', 'standing stream that ends at once, retry: 0', standBy),
  overStdio('long-line', '100 MB line'),
  overStdio('ping-flood', 'pings without end, nothing read'),
  overStdio('notices', '300 000 notifications before the answer'),
  overStdio('overload', '3 200 calls at once, none answered', tooMany),
  overStdio('many-tools', '50 000 tools', list),
  overStdio('endless-pages', 'list with always a next page', list),
  overStdio('redos', 'output schema with a ReDoS pattern', listAndCall),
  overStdio('ref-bomb', 'output schema with 2^30 visits by $ref', listAndCall),
];
