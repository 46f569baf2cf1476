// npm run flow -- <command>: keeps flows in files, tests them and brings them to a gateway.
import { registerHooks } from 'node:module';

// The libraries run from their sources, as in the tests: nothing has to be built first.
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier, { ...context, conditions: [...context.conditions, '@parley/source'] }),
});

const { main } = await import('./main.ts');
process.stdout.on('error', () => process.exit(0));
process.exitCode = await main(process.argv.slice(2));
