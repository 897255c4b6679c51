/** What the command's exit code says; the same for every subcommand. */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  degraded: 3,
  noneReady: 4,
  interrupted: 130,
  terminated: 143,
} as const;

/** The codes as `--help` shows them. */
export const exitCodeHelp = `
Exit codes:
  0    done, also when the reader of standard output went away
  1    failed
  2    wrong usage, or a configuration that cannot be used
  3    some servers are not ready (status), or not well (doctor)
  4    no server is ready (status), or well (doctor)
  130  stopped by Ctrl-C (SIGINT)
  143  stopped by SIGTERM or SIGHUP`;
