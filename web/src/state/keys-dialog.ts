/** Whether the dialog for a key is open. Any view may open it; the shell shows it. */

import { create } from "zustand";

import type { KeyName } from "./session";

export const useKeysDialog = create<{ open: KeyName | null }>()(() => ({ open: null }));

export function openKeys(which: KeyName): void {
  useKeysDialog.setState({ open: which });
}

export function closeKeys(): void {
  useKeysDialog.setState({ open: null });
}
