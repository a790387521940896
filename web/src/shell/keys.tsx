import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { create } from "zustand";

import { showRecent } from "@/jobs/store";
import { useSession, type Which } from "@/state/session";
import { Button } from "@/ui/button";
import { Field, Input, Switch } from "@/ui/controls";
import { Dialog } from "@/ui/overlays";

const useKeysDialog = create<{ open: Which | null }>()(() => ({ open: null }));

export function openKeys(which: Which): void {
  useKeysDialog.setState({ open: which });
}

/** Where a key is entered, when the server wants one. */
export function KeysDialog() {
  const open = useKeysDialog((state) => state.open);
  if (open === null) return null;
  return <KeyForm which={open} onClose={() => useKeysDialog.setState({ open: null })} />;
}

function KeyForm({ which, onClose }: { which: Which; onClose: () => void }) {
  const session = useSession();
  const client = useQueryClient();
  const [value, setValue] = useState(session[which]);
  const [keep, setKeep] = useState(session.kept[which]);
  const admin = which === "adminKey";
  const done = (key: string) => {
    session.setKey(which, key, keep);
    onClose();
    void client.invalidateQueries();
    void showRecent();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={admin ? "Admin key" : "Key"}
      description={admin ? "One of the server's ADMIN_KEYS. With it one sees and stops everybody's jobs." : "One of the server's API_KEYS."}
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          done(value);
        }}
      >
        <Field label="Key" htmlFor="key-value">
          <Input id="key-value" type="password" autoComplete="off" value={value} onChange={(event) => setValue(event.target.value)} />
        </Field>
        <div className="flex flex-col gap-1.5">
          <Switch id="key-keep" label="Keep it in this browser" checked={keep} onChange={setKeep} />
          <p className="text-xs text-soft">
            {keep
              ? "It stays in this browser's storage, readable for whoever uses this browser, until you forget it here."
              : "Only this tab knows it, and forgets it when the tab is closed."}{" "}
            It is sent in a header; addresses of pictures hold a ticket of ten minutes instead.
          </p>
        </div>
        <div className="flex justify-end gap-2">
          {session[which] !== "" && <Button onClick={() => done("")}>Forget it</Button>}
          <Button look="solid" type="submit">Use it</Button>
        </div>
      </form>
    </Dialog>
  );
}
