// npm run certs: certificates with which the services know each other, for development and for one machine.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { day, makeCertificates, SERVICES, tlsSettingsOf } from './certificate-folder.ts';

const HELP = `npm run certs: makes an authority and a certificate for each service, for TLS between them.

  --folder <path>   where to; default .parley/certs
  --days <n>        how long a new certificate is valid, 1 to 825; default 365 (the authority: ten years)
  --force           make everything anew, the authority as well: services that trust the old one refuse the
                    new certificates until they have read the new authority

What is there and good is kept, so it may run again and again. A certificate in the last third of its time, or that
does not fit its key, its name or the authority, is renewed, with a new key, by the same authority: services read it
within seconds, without a restart. Whoever has ca/ca.key can make certificates: no service needs it.`;

const MAX_DAYS = 825;

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const { values } = parseArgs({
      options: {
        folder: { type: 'string', default: '.parley/certs' },
        days: { type: 'string', default: '365' },
        force: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      return 0;
    }
    const days = Number(values.days);
    if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
      throw new Error(`--days must be a whole number from 1 to ${MAX_DAYS}, not "${values.days}".`);
    }
    const folder = resolve(values.folder);
    for (const { name, what, validTo } of await makeCertificates({ folder, days, force: values.force })) {
      console.log(`${what.padEnd(9)}${name.padEnd(14)}valid until ${day(validTo)}`);
    }
    console.log(`\nIn ${folder}. Set for each of ${SERVICES.join(', ')} its own, such as for session:\n`);
    for (const [name, value] of Object.entries(tlsSettingsOf(folder, 'session'))) {
      console.log(`  ${name}=${value}`);
    }
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}
