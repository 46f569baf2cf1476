// Not UTC, so that what reads a time as local shows.
process.env.TZ = 'Asia/Kathmandu';

export { default } from '../../jest.preset.mjs';
