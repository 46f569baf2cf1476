import { fileURLToPath } from 'node:url';

/** The compiled protos (a google.protobuf.FileDescriptorSet), for server reflection. */
export const DESCRIPTOR_SET_FILE = fileURLToPath(new URL('../descriptors.binpb', import.meta.url));
