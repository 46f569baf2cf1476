// npm run migrate: brings the databases to the newest schema.
import { asksForHelp } from './asks-for-help.ts';
import { buildServices } from './build-services.ts';
import { messageOf } from './message-of.ts';
import { migrate } from './migrations.ts';
import { SERVICE_NAMES } from './service-names.ts';
import type { ServiceName } from './service-names.ts';
import { parleyHome } from './settings.ts';
import { readStackFile } from './stack-file.ts';

const variableOf = (service: ServiceName): string => `DATABASE_URL_${service.toUpperCase()}`;

const HELP = `npm run migrate: brings the databases of all services up to date, those of the stack that npm start runs here or else
those of ${SERVICE_NAMES.map(variableOf).join(', ')} (postgres:// URLs).`;

try {
  await main();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}

async function main(): Promise<void> {
  if (asksForHelp(process.argv)) return console.log(HELP);
  const [argument] = process.argv.slice(2);
  if (argument !== undefined) throw new Error(`${argument}: npm run migrate takes no arguments. Try --help.`);
  const running = readStackFile(parleyHome(process.env))?.databases;
  const urls = SERVICE_NAMES.map((service) => {
    const url = process.env[variableOf(service)] || running?.[service];
    if (url !== undefined) return { service, url };
    throw new Error(
      `Which database of ${service}? Set ${variableOf(service)}, or start the stack (npm start).`,
    );
  });
  await buildServices(console.log);
  for (const { service, url } of urls) {
    const output = await migrate(service, url);
    console.log(`${service}: migrated (database ${new URL(url).pathname.slice(1)} at ${new URL(url).host})`);
    if (output !== '') console.log(output.replaceAll(/^/gm, '  '));
  }
}
