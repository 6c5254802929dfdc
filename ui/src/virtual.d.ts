declare module 'virtual:guide' {
  export const guide: import('./state/guide').Guide;
}
