import type { ServerSpec } from '../../config/index.ts';
import { endpointOf, endpointText } from './dial.ts';
import type { StepFailure } from './failure.ts';
import type { Limits } from './limits.ts';
import type { StepName } from './steps.ts';

/** Of which server a fix is. */
export interface FixSubject {
  readonly spec: ServerSpec;
  readonly limits: Limits;
}

/** What helps, from a failure and the server that it is of. */
type Fix = (subject: FixSubject, failure: StepFailure, step: StepName) => string;

const byHand = 'run the command by hand, in the same folder and with the same environment';

/** By the failure's code; the first that fits. */
const fixes: readonly (readonly [code: RegExp, fix: Fix])[] = [
  [/^ENOENT$/, programFix],
  [/^EACCES$/, () => 'Make it executable (chmod +x), or start it through its interpreter.'],
  [/^ENOEXEC$/, () => 'Start it through its interpreter: it is no program that this machine can run.'],
  [/^cwd:/, () => 'Create the folder, let it be entered, or correct cwd.'],
  [/^(?:E2BIG|ERR_INVALID_ARG_VALUE)$/, () => 'Shorten or correct the arguments and the environment.'],
  [/^(?:EAGAIN|EMFILE|ENFILE|ENOMEM)$/, () => 'Run fewer servers on this machine, or raise its limit.'],
  [/^exit:0$/, () => `See why it ends at once: ${byHand}; it may need an argument to serve over stdio.`],
  [/^exit:12[67]$/, () => `Correct the command that it starts in turn: ${byHand}.`],
  [/^exit:/, () => `Mend what its stderr says: ${byHand}.`],
  [/^signal:SIGKILL$/, () => 'See who kills it: often the kernel, when memory is short.'],
  [/^signal:/, () => `See who sends the signal, or why it crashes: ${byHand}.`],
  [/^(?:ENOTFOUND|EAI_\w+)$/, () => 'Correct the host in url, or see that this machine can look names up.'],
  [
    /^ECONNREFUSED$/,
    ({ spec }) => `Start the server: nothing listens at ${whereOf(spec)}; or correct host and port in url.`,
  ],
  [
    /^(?:E(?:HOST|NET)(?:UNREACH|DOWN)|EADDRNOTAVAIL)$/,
    ({ spec }) => `See that this machine has a way to ${whereOf(spec)}: network, VPN, firewall.`,
  ],
  [/^(?:ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/, ({ spec }) => `See that no firewall is in the way to ${whereOf(spec)}.`],
  [/^CERT_HAS_EXPIRED$/, () => "Renew the server's certificate: it has expired."],
  [/^CERT_NOT_YET_VALID$/, () => "Set this machine's clock, or the certificate's dates: it is not valid yet."],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    () => 'Write the name that the certificate is for in url, or give the server a certificate for this one.',
  ],
  [
    /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_)/,
    () =>
      'Give the server a certificate of a known authority, or name the file of its own authority in NODE_EXTRA_CA_CERTS.',
  ],
  [
    /^(?:EPROTO$|ERR_SSL_|ERR_TLS_)/,
    ({ spec }) =>
      `Write ${plainScheme(spec)} in url if the server speaks no TLS; else see its TLS versions and certificate.`,
  ],
  [/^(?:http:40[13]|http:407|unauthorized|close:300[03]|AUTH_REQUIRED)$/, credentialsFix],
  [
    /^(?:http:404|http:405|http:410|content-type|bad-upgrade)$/,
    ({ spec }) =>
      `Correct url: something answers at ${whereOf(spec)}, but there is no MCP server at this path; often it is /mcp or /sse.`,
  ],
  [/^(?:http:429|close:1013)$/, () => 'Wait: the server asks to be left alone for a while.'],
  [/^http:/, () => "See the server's own log: it answered, but not with what MCP expects."],
  [/^blocked-port$/, () => 'Let the server listen on another port: HTTP clients refuse this one.'],
  [/^bad-header$/, () => 'Correct the names and values of headers.'],
  [/^connect-timeout$/, ({ limits }) => `See why it is slow, or raise ${limits.connectFrom} (${limits.connectMs} ms).`],
  [
    /^check-timeout$/,
    ({ spec }) => `See what the server is busy with, or raise holdfast.servers.${spec.id}.healthCheck.timeoutMs.`,
  ],
  [
    /^CALL_TIMEOUT$/,
    ({ limits }) => `See what the server is busy with, or raise ${limits.callFrom} (${limits.callMs} ms).`,
  ],
  [
    /^(?:bad-handshake|bad-message|not-a-message|half-message|bad-answer|bad-json)$/,
    ({ spec }) =>
      spec.transport.kind === 'stdio'
        ? 'See that the server prints nothing but messages on stdout; logs belong on stderr.'
        : 'See that it is an MCP server that answers there, and report it to its author.',
  ],
  [
    /^(?:protocol-version|rpc:-32022)$/,
    ({ spec }) =>
      `Update the server, or take holdfast.servers.${spec.id}.protocol out: there is no protocol version in common.`,
  ],
  [/^tool-error$/, () => 'Mend what the tool says: often it lacks credentials or a setting of its own.'],
  [/^INVALID_RESULT$/, () => "Report it to the server's author: the tool breaks its own output schema."],
  [/^rpc:/, () => "See the server's own log and documentation for this error."],
];

/** What helps against a failure, in a sentence. */
export function fixFor(step: StepName, failure: StepFailure, subject: FixSubject): string {
  const found = fixes.find(([code]) => code.test(failure.code));
  return found?.[1](subject, failure, step) ?? generalFix(step, subject);
}

function generalFix(step: StepName, { spec }: FixSubject): string {
  if (spec.transport.kind === 'stdio') return `See what the server says on stderr: ${byHand}.`;
  return step === 'dial' ? `See that ${whereOf(spec)} can be reached from this machine.` : "See the server's own log.";
}

function programFix({ spec }: FixSubject, _failure: StepFailure, step: StepName): string {
  return step === 'resolve'
    ? `Install ${commandOf(spec)}, or write its full path as command.`
    : 'Install the interpreter that its first line (#!) names, or the library that it needs.';
}

function credentialsFix({ spec }: FixSubject, { url }: StepFailure): string {
  if (url !== undefined) return `Allow it at ${url}, or give the server a token in headers.`;
  const { transport } = spec;
  const given = transport.kind === 'stdio' ? [] : Object.keys(transport.headers);
  const header = given.find((name) => /^(?:proxy-)?authorization$|key|token/i.test(name));
  return header === undefined
    ? 'Give the server credentials: an Authorization header in headers.'
    : `Renew the credentials in the header ${header}, or see what they may do: the server does not take them.`;
}

function commandOf({ transport }: ServerSpec): string {
  return transport.kind === 'stdio' ? JSON.stringify(transport.command) : 'it';
}

function whereOf({ transport }: ServerSpec): string {
  return transport.kind === 'stdio' ? 'it' : endpointText(endpointOf(transport.url));
}

function plainScheme({ transport }: ServerSpec): string {
  return transport.kind === 'webSocket' ? 'ws://' : 'http://';
}
