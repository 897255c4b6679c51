import { LinkError } from '../fault.ts';
import type { Fault, RequestFailure } from '../fault.ts';
import { HttpPost } from './http-post.ts';
import type { PostHost } from './http-post.ts';

/** How long the check may take, in milliseconds. */
const LIMIT_MS = 5_000;

/**
 * Finds out what a 400 meant: SDK servers answer so to a request that they cannot read and to a session that they do not know. A ping
 * on the same session tells the two apart. However many requests ask, one ping is under way at a time.
 */
export class SessionCheck {
  readonly #host: PostHost;
  readonly #open = new Set<HttpPost>();
  #underWay: Promise<RequestFailure | null> | null = null;
  #count = 0;

  constructor(host: PostHost) {
    this.#host = host;
  }

  /** Whether the post is a check of ours, whose answer is for nobody else. */
  has(post: HttpPost): boolean {
    return this.#open.has(post);
  }

  /** Resolves with null when the session stands, else with how the request fails that met this fault. Never rejects. */
  async ask(fault: Fault): Promise<RequestFailure | null> {
    this.#underWay ??= this.#ping().finally(() => {
      this.#underWay = null;
    });
    const failure = await this.#underWay;
    if (failure === null) return null;
    // The ping was refused together with its session. Anything else that befell the ping proves nothing of the request.
    return failure.kind === 'refused' && failure.fault.kind === 'session-lost'
      ? failure
      : { kind: 'link', sent: true, fault };
  }

  async #ping(): Promise<RequestFailure | null> {
    this.#count += 1;
    // A string: the ids of both SDKs are numbers.
    const message = { jsonrpc: '2.0', id: `holdfast-check-${this.#count}`, method: 'ping' };
    let failure: RequestFailure | null = null;
    const post: HttpPost = new HttpPost(this.#host, message, {});
    const timer = setTimeout(() => post.drop(), LIMIT_MS);
    this.#open.add(post);
    const settled = post.promise.catch((error: unknown) => {
      failure = failureOf(error);
    });
    this.#host.admit(post);
    await settled;
    clearTimeout(timer);
    this.#open.delete(post);
    return failure;
  }
}

function failureOf(error: unknown): RequestFailure {
  return error instanceof LinkError ? error.failure : { kind: 'aborted', sent: true };
}
