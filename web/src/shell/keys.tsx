import { create } from "zustand";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { useSession } from "@/state/session";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/controls";
import { Dialog } from "@/ui/overlays";

type Which = "key" | "adminKey";

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
  const admin = which === "adminKey";
  const done = (key: string) => {
    if (admin) session.setAdminKey(key);
    else session.setKey(key);
    onClose();
    void client.invalidateQueries();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={admin ? "Admin key" : "Key"}
      description={admin ? "One of the server's ADMIN_KEYS. It is kept in this browser." : "One of the server's API_KEYS. It is kept in this browser."}
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
        <div className="flex justify-end gap-2">
          {session[which] !== "" && <Button onClick={() => done("")}>Forget it</Button>}
          <Button look="solid" type="submit">Use it</Button>
        </div>
      </form>
    </Dialog>
  );
}
