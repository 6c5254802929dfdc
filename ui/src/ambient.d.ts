/** Whether the invented bureau may stand in for Rust; false in the app's own build, which drops it. */
declare const __FAKE__: boolean;
