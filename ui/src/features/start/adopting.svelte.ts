/** Whether the old system's database was chosen to be taken over: asked for again on the last step after a restart. */
export const wanted = $state({ adoption: false });
