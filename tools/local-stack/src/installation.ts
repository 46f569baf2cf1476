import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readJson, writePrivateJson } from './private-file.ts';
import { SERVICE_NAMES } from './service-names.ts';
import type { ServiceName } from './service-names.ts';

/** What is made once per installation and kept between starts. */
export interface Installation {
  /** Of the superuser of the Postgres started here. */
  postgres_password: string;
  database_passwords: Record<ServiceName, string>;
  token?: string;
  tenant_id?: string;
  /** Ids of the seeded flows by their key. */
  flows: Record<string, string>;
}

/** Reads $PARLEY_HOME/installation.json, or makes it with new passwords; a service that has come since gets one. */
export function openInstallation(home: string): Installation {
  const kept = readJson(fileIn(home)) as Installation | undefined;
  const known: Partial<Record<ServiceName, string>> = kept?.database_passwords ?? {};
  const passwords = SERVICE_NAMES.map((service) => [service, known[service] ?? newPassword()] as const);
  const installation: Installation = {
    postgres_password: newPassword(),
    flows: {},
    ...kept,
    database_passwords: Object.fromEntries(passwords) as Record<ServiceName, string>,
  };
  if (JSON.stringify(installation) !== JSON.stringify(kept)) saveInstallation(home, installation);
  return installation;
}

/** Writes $PARLEY_HOME/installation.json, readable only by its owner. */
export function saveInstallation(home: string, installation: Installation): void {
  writePrivateJson(fileIn(home), installation);
}

function fileIn(home: string): string {
  return join(home, 'installation.json');
}

function newPassword(): string {
  return randomBytes(24).toString('base64url');
}
