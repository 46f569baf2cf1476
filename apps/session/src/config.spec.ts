import { expect, it } from '@jest/globals';
import { sessionConfig } from './config.ts';

const hosts = sessionConfig.shape.HTTP_REQUEST_HOSTS;

it('HTTP_REQUEST_HOSTS is names and addresses, whatever their case and the spaces between them', () => {
  expect(hosts.parse('CRM.example=10.0.0.7, erp.example = ::1')).toEqual(
    new Map([
      ['crm.example', '10.0.0.7'],
      ['erp.example', '::1'],
    ]),
  );
});

it.each(['crm', 'crm.internal', 'crm.lan', 'crm.corp', 'ok.example=10.0.0.7,localhost', 'a b.example'])(
  'HTTP_REQUEST_HOSTS is not for %s, which no flow can call',
  (name) => {
    const { error } = hosts.safeParse(`${name}=10.0.0.7`);
    expect(error?.issues[0]?.message).toContain('must be names with a dot');
  },
);

it.each(['crm.example', 'crm.example=host', '=10.0.0.7', 'crm.example=10.0.0.7=x', 'a.example=10.0.0.7,'])(
  'HTTP_REQUEST_HOSTS is not %s',
  (text) => {
    expect(hosts.safeParse(text).success).toBe(false);
  },
);
