/** Leads to what explains something. */
export interface HelpLink {
  label: string;
  open: () => void;
}
