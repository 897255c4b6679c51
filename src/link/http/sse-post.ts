import type { BodyReader, ResponseHead } from './http-exchange.ts';
import { HttpPost } from './http-post.ts';
import { isSuccess } from './http-status.ts';

/** One message to a server that only takes it by the POST, and answers on the stream: the message is settled once it is taken. */
export class SsePost extends HttpPost {
  override onHead(head: ResponseHead): BodyReader | null {
    if (!this.isRequest || !isSuccess(head.status)) return super.onHead(head);
    this.head = head;
    this.answered();
    return null;
  }
}
