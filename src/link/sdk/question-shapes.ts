import { isRecord } from '../engine/json-rpc.ts';

/** What is wrong with a question of the server's, or with the answer that a handler gives to it; null when nothing is. */
export type ShapeCheck = (value: Record<string, unknown>) => string | null;

/** How an elicitation asks: by a form that the client shows, or by a page that the person is sent to. */
export type ElicitationMode = 'form' | 'url';

const ACTIONS: readonly unknown[] = ['accept', 'decline', 'cancel'];

/** The mode of an elicitation; null for one that no revision knows. */
export function elicitationMode({ mode }: Record<string, unknown>): ElicitationMode | null {
  if (mode === undefined || mode === 'form') return 'form';
  return mode === 'url' ? mode : null;
}

/** Of `elicitation/create` by form. */
export const formQuestion: ShapeCheck = ({ message, requestedSchema }) => {
  if (typeof message !== 'string') return '"message" must be a text';
  return isRecord(requestedSchema) ? null : '"requestedSchema" must be an object';
};

/** Of `elicitation/create` by URL. */
export const urlQuestion: ShapeCheck = ({ message, url }) => {
  if (typeof message !== 'string') return '"message" must be a text';
  return typeof url === 'string' && URL.canParse(url) ? null : '"url" must be a URL';
};

/** Of the answer to either. */
export const elicitationAnswer: ShapeCheck = ({ action, content }) => {
  if (!ACTIONS.includes(action)) return '"action" must be "accept", "decline" or "cancel"';
  return content === undefined || isRecord(content) ? null : '"content" must be an object';
};

/** Of `sampling/createMessage`. */
export const sampleQuestion: ShapeCheck = ({ messages, maxTokens }) => {
  if (!Array.isArray(messages) || !messages.every(isRecord)) return '"messages" must be a list of messages';
  return typeof maxTokens === 'number' ? null : '"maxTokens" must be a number';
};

/** Of the answer to it. */
export const sampleAnswer: ShapeCheck = ({ role, content, model }) => {
  if (role !== 'assistant' && role !== 'user') return '"role" must be "assistant" or "user"';
  if (typeof model !== 'string') return '"model" must be a text';
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [content];
  return blocks.every((block) => isRecord(block) && typeof block['type'] === 'string')
    ? null
    : '"content" must be a content block or a list of them';
};

/** Of the answer to `roots/list`. */
export const rootsAnswer: ShapeCheck = ({ roots }) => {
  const isList = Array.isArray(roots) && roots.every((root) => isRecord(root) && typeof root['uri'] === 'string');
  return isList ? null : 'every root must be an object with a "uri"';
};
