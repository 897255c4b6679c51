import { HoldfastError } from './holdfast-error.ts';

/** The catalog has no tool of that name; nothing was sent. */
export class UnknownToolError extends HoldfastError {
  override readonly name = 'UnknownToolError';
  /** The name that was asked for. */
  readonly tool: string;
  /** Names that the catalog has and that may have been meant, the likeliest first. */
  readonly nearest: readonly string[];

  /** `complete`: whether the catalog has the tools of every server. */
  constructor(tool: string, nearest: readonly string[], complete: boolean) {
    const meant = nearest.length === 0 ? '' : `; perhaps ${nearest.map(quoted).join(' or ')} was meant`;
    const unlisted = complete ? '' : ' The tools of some servers are not known, or not all of them.';
    super(`There is no tool ${quoted(tool)} in the catalog${meant}. The call was not sent.${unlisted}`, {
      code: 'UNKNOWN_TOOL',
      outcome: 'not-sent',
    });
    this.tool = tool;
    this.nearest = nearest;
  }
}

/** The tool is not what it was when it was first seen, and `toolChanges: 'block'` refuses such tools; nothing was sent. */
export class ToolChangedError extends HoldfastError {
  override readonly name = 'ToolChangedError';
  readonly tool: string;
  /** Hash of the tool that is trusted; null when the server has listed too many tools for this one to be trusted at first sight. */
  readonly before: string | null;
  /** Hash of the tool as the server lists it now. */
  readonly after: string;

  constructor(details: {
    readonly serverId: string;
    readonly generation: number;
    readonly tool: string;
    readonly before: string | null;
    readonly after: string;
  }) {
    const { serverId, tool, before, after } = details;
    const what =
      before === null
        ? 'came after more other tools than are trusted at first sight'
        : 'is not what it was when it was first seen';
    super(
      `Tool ${quoted(tool)} of server ${quoted(serverId)} ${what}; the call was not sent. ` +
        `Read what it says now in the session's catalog, then accept it with acceptTool(${quoted(tool)}).`,
      { ...details, code: 'TOOL_CHANGED', outcome: 'not-sent' },
    );
    this.tool = tool;
    this.before = before;
    this.after = after;
  }
}

function quoted(name: string): string {
  const text = JSON.stringify(name);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
