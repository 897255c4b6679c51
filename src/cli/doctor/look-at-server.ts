import type { ServerSpec } from '../../config/index.ts';
import { InvalidOptionError, targetOf } from '../../index.ts';
import type { ServerOptions, Session } from '../../index.ts';
import { Examination } from './examination.ts';
import type { Surgery } from './examination.ts';
import { nothingFound } from './findings.ts';
import type { ServerReport } from './findings.ts';
import { limitsOf } from './limits.ts';
import type { Step } from './steps.ts';

/** Takes a server through all steps, until one fails, and lets it go. Rejects with the reason of the signal. */
export async function lookAtServer(spec: ServerSpec, surgery: Surgery): Promise<ServerReport> {
  const { manager, defaults, timeoutMs, signal } = surgery;
  const limits = limitsOf(spec, defaults, timeoutMs);
  const options: ServerOptions = {
    ...spec.options,
    connectTimeoutMs: limits.connectMs,
    lazy: true,
    reconnect: { ...spec.options.reconnect, enabled: false },
    retry: { ...spec.options.retry, maxAttempts: 1 },
  };
  let session: Session;
  try {
    // Before the first step, so that the secrets in it are known.
    session = await manager.addServer(spec.id, targetOf(spec.transport), options);
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    return refusedReport(spec, error.message.replace(/\.$/, ''));
  }
  try {
    return await new Examination(spec, session, limits, surgery).run();
  } finally {
    if (!signal.aborted) await manager.removeServer(spec.id);
  }
}

function refusedReport({ id, transport, source }: ServerSpec, detail: string): ServerReport {
  const at = `${source.file}:${source.line}:${source.column}`;
  const step: Step = {
    step: 'configuration',
    status: 'failed',
    ms: 0,
    code: 'INVALID_OPTION',
    detail: `${at}: ${detail}`,
    fix: 'Change or remove this setting.',
  };
  return { id, transport: transport.kind, status: 'failed', steps: [step], ...nothingFound };
}
