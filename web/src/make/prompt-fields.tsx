import type { Provider, Receipt } from "@/api/client";
import { Field, Input, Textarea } from "@/ui/controls";

import { SearchedWords } from "./searched-words";
import { StyleTags } from "./style-tags";
import { useWish, type Wish } from "./wish";

export interface FieldsProps {
  wish: Wish;
  provider: Provider | null;
}

interface PromptProps extends FieldsProps {
  /** How the request would be treated, if that is known. */
  receipt: Receipt | null;
}

/** What the pictures should show, and in which style. */
export function PromptFields({ wish, provider, receipt }: PromptProps) {
  const set = useWish((state) => state.set);
  return (
    <>
      <Field label="Prompt" htmlFor="prompt" hint={promptHint(provider, receipt)}>
        <Textarea
          id="prompt"
          rows={2}
          placeholder="A red apple on a wooden table"
          value={wish.prompt}
          onChange={(event) => set({ prompt: event.target.value })}
        />
      </Field>
      {wish.prompt.trim() === "" && <SearchedWords onUse={(prompt) => set({ prompt })} />}
      {/* What was typed for another provider is sent, so it must be seen. */}
      {provider !== null && (provider.negative_prompt !== "no" || wish.negativePrompt !== "") && (
        <Field
          label="Negative prompt"
          htmlFor="negative-prompt"
          hint={
            provider.negative_prompt === "no" ? `${provider.provider} does not use it` : undefined
          }
        >
          <Input
            id="negative-prompt"
            value={wish.negativePrompt}
            onChange={(event) => set({ negativePrompt: event.target.value })}
          />
        </Field>
      )}
      {provider !== null && (
        <StyleTags
          tags={[...new Set([...provider.style_tags, ...wish.styleTags])]}
          chosen={wish.styleTags}
        />
      )}
    </>
  );
}

function promptHint(provider: Provider | null, receipt: Receipt | null): string | undefined {
  const dropped = receipt?.lines.find(
    ({ input, treatment }) => input === "prompt" && treatment === "dropped",
  );
  if (dropped?.reason != null) return `Not used: ${dropped.reason}`;
  if (provider?.prompt !== "approximate" || provider.prompt_note === "") return undefined;
  return `Of the prompt, ${provider.provider} uses ${provider.prompt_note}`;
}
