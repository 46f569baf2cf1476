export { CertificateAuthority } from './certificate-authority.ts';
export type { IssueOptions, KeyPair } from './certificate-authority.ts';
export { makeCertificates, SERVICES, tlsSettingsOf } from './certificate-folder.ts';
export type { CertificateOptions, Made } from './certificate-folder.ts';
