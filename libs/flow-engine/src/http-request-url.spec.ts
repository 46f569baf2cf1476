import { describe, expect, it } from '@jest/globals';
import { checkFlow } from './check-flow.ts';

// What can be known when a flow is written (33). A name may resolve to such an address later, and an answer may redirect to
// one: whatever sends the request asks isPublicAddress of the address it connects to, each time; nothing sends one yet.

const messagesOf = (url: string): string[] => {
  const node = { id: 'n', type: 'http_request', data: { method: 'GET', url } };
  const { errors } = checkFlow({ nodes: [node], edges: [] }, { sessionTtlMinutes: 30, channel: '' });
  return errors.map(({ field, message }) => `${field}: ${message}`);
};

const NOT_PUBLIC =
  'nodes[0].data.url: must lead to a host on the internet, not to this machine or a private network';
const NO_URL = 'nodes[0].data.url: must start with http:// or https:// and a host that is no template';

describe('the URL of an HTTP request', () => {
  it.each([
    'https://shop.example.com',
    'https://shop.example.com:8443/carts/{{context.cart_id | urlencode}}?q={{context.q}}#x',
    'HTTP://SHOP.EXAMPLE.COM./',
    'https://1.1.1.1/dns-query',
    'https://[2606:4700:4700::1111]/',
    'https://bücher.example/',
    'https://localhost.example.com/',
    'https://internal-api.example.com/',
    'https://10.example.com/',
    'https://127.0.0.1.nip.io/',
  ])('may be %s', (url) => {
    expect(messagesOf(url)).toEqual([]);
  });

  it.each([
    [
      'loopback',
      ['http://127.0.0.1/', 'http://127.8.9.10:8080/x', 'http://[::1]/', 'http://0.0.0.0/', 'http://[::]/'],
    ],
    ['short and zero forms', ['http://127.1/', 'http://0/', 'http://127.0.1/', 'http://10.1/']],
    ['decimal', ['http://2130706433/', 'http://3232235777/', 'http://2852039166/latest/meta-data/']],
    ['octal', ['http://0177.0.0.1/', 'http://017700000001/', 'http://0251.0376.0251.0376/']],
    ['hex', ['http://0x7f000001/', 'http://0x7f.0x0.0x0.0x1/', 'http://0xA9FEA9FE/']],
    [
      'other letters and digits',
      ['http://１２７.０.０.１/', 'http://①②⑦.⓪.⓪.①/', 'http://127。0。0。1/', 'http://ⓛocalhost/'],
    ],
    ['percent signs', ['http://%31%32%37.0.0.1/', 'http://127.0.0.%31/', 'http://%6cocalhost/']],
    [
      'private',
      [
        'http://10.0.0.1/',
        'http://172.16.5.4/',
        'http://192.168.0.1:5432/',
        'http://[fd00::1]/',
        'http://100.64.0.1/',
      ],
    ],
    ['link-local', ['http://169.254.169.254/latest/meta-data/', 'http://[fe80::1]/']],
    [
      'IPv4 in IPv6',
      [
        'http://[::ffff:127.0.0.1]/',
        'http://[::ffff:7f00:1]/',
        'http://[::7f00:1]/',
        'http://[64:ff9b::7f00:1]/',
        'http://[2002:7f00:1::]/',
      ],
    ],
    [
      'names of this machine',
      [
        'http://localhost/',
        'http://LOCALHOST:80/',
        'http://localhost./',
        'http://a.localhost/',
        'http://localhost.localdomain/',
      ],
    ],
    [
      'names of a network of its own',
      [
        'http://metadata.google.internal/',
        'http://metadata/',
        'http://postgres:5432/',
        'http://printer.local/',
        'http://router.lan/',
        'http://api.svc.cluster.local/',
        'http://x.home.arpa/',
        'http://1.0.0.127.in-addr.arpa/',
      ],
    ],
    ['multicast and broadcast', ['http://224.0.0.1/', 'http://255.255.255.255/', 'http://[ff02::1]/']],
  ])('must not be %s (33)', (_what, urls) => {
    for (const url of urls)
      expect({ url, messages: messagesOf(url) }).toEqual({ url, messages: [NOT_PUBLIC] });
  });

  it.each([
    [
      'of another scheme',
      [
        'ftp://a.example/',
        'file:///etc/passwd',
        'gopher://a.example/',
        'javascript:alert(1)',
        'data:,x',
        'unix:/run/x',
        '//a.example/',
        '/x',
        'http:a.example',
        'http:/a.example/',
      ],
    ],
    [
      'with a user or a password',
      [
        'http://user@a.example/',
        'http://user:password@a.example/',
        'http://a.example@127.0.0.1/',
        'http://a.example:80@127.0.0.1/',
        'http://@a.example/',
      ],
    ],
    [
      'with other slashes',
      ['http:\\\\127.0.0.1/', 'http:///127.0.0.1/', 'http://a.example\\@127.0.0.1/', 'http://\\127.0.0.1'],
    ],
    [
      'with white space',
      [' http://a.example/', 'http://a b.example/', 'http://\t127.0.0.1/', 'http://127.0.0.1 .example/'],
    ],
    [
      'with a host that is a template',
      [
        'http://{{context.host}}/',
        'http://a.{{context.host}}/',
        'http://a.example{{context.path}}',
        'http://a.example:{{context.port}}/',
      ],
    ],
    [
      'with a host or port that is none',
      [
        'http://',
        'http://?x',
        'http://#x',
        'http://a.example:99999/',
        'http://256.256.256.256/',
        'http://1.2.3.4.5/',
        'http://[::1',

        'http://a..b%00/',
      ],
    ],
  ])('must not be one %s (33)', (_what, urls) => {
    for (const url of urls) expect({ url, messages: messagesOf(url) }).toEqual({ url, messages: [NO_URL] });
  });
});
