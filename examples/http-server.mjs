// A real MCP server over Streamable HTTP, to be forked: it tells its port to the process that did, and ends with that process.
// By itself the server listens on every interface and lets any web page in; here it is for this machine and for no page.
import { Server } from 'node:net';

// oxlint-disable-next-line typescript/unbound-method -- it is called with the server that it belongs to
const { listen } = Server.prototype;
Server.prototype.listen = function (port, ...rest) {
  this.prependListener('request', (request) => {
    if (request.headers.origin !== undefined) request.destroy();
  });
  this.once('listening', () => process.send?.({ port: this.address().port }));
  return listen.call(this, port, '127.0.0.1', ...rest);
};
process.on('disconnect', () => process.exit());

process.argv[2] = 'streamableHttp';
await import('@modelcontextprotocol/server-everything/dist/index.js');
