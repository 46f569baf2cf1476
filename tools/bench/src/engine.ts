// npm run bench:engine: what the flow engine alone takes on this machine.
import { registerHooks } from 'node:module';

// The libraries run from their sources, as in the tests: nothing has to be built first.
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier, { ...context, conditions: [...context.conditions, '@parley/source'] }),
});

const { benchEngine } = await import('./engine/engine-bench.ts');
process.stdout.on('error', () => process.exit(0));
try {
  benchEngine(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
