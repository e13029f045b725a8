#!/usr/bin/env node
/** The command `gmemlab`. What most calls need is loaded when they need it. */
import { EXIT } from './exit-codes.ts';
import { cleanUp } from './interrupt.ts';
import { packageVersion } from './package-root.ts';

/** A reader that closes the pipe early (`| head`) has seen what it wants: what is written after that goes nowhere. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
for (const [signal, status] of [
  ['SIGINT', EXIT.interrupted],
  ['SIGTERM', EXIT.terminated],
] as const) {
  process.once(signal, () => {
    cleanUp();
    process.exit(status);
  });
}

const args = process.argv.slice(2);
if (args.length === 1 && args[0] === '--version') {
  process.stdout.write(`${packageVersion()}\n`);
} else {
  const { runCli } = await import('./run-cli.ts');
  process.exitCode = await runCli(args);
}
