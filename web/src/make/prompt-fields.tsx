import type { Provider } from "@/api/client";
import { cn } from "@/lib/classes";
import { words } from "@/lib/format";
import { Field, Input, Textarea } from "@/ui/controls";

import { MOST_STYLE_TAGS, toggleStyle, useWish, type Wish } from "./wish";

export interface FieldsProps {
  wish: Wish;
  provider: Provider | null;
}

/** What the pictures should show, and in which style. */
export function PromptFields({ wish, provider }: FieldsProps) {
  const set = useWish((state) => state.set);
  return (
    <>
      <Field label="Prompt" htmlFor="prompt" hint={promptHint(provider)}>
        <Textarea
          id="prompt"
          rows={2}
          placeholder="A red apple on a wooden table"
          value={wish.prompt}
          onChange={(event) => set({ prompt: event.target.value })}
        />
      </Field>
      {provider !== null && provider.negative_prompt !== "no" && (
        <Field label="Negative prompt" htmlFor="negative-prompt">
          <Input
            id="negative-prompt"
            value={wish.negativePrompt}
            onChange={(event) => set({ negativePrompt: event.target.value })}
          />
        </Field>
      )}
      {provider !== null && provider.style_tags.length > 0 && (
        <StyleTags tags={provider.style_tags} chosen={wish.styleTags} />
      )}
    </>
  );
}

function promptHint(provider: Provider | null): string | undefined {
  if (provider?.prompt !== "approximate" || provider.prompt_note === "") return undefined;
  return `Of the prompt, ${provider.provider} uses ${provider.prompt_note}`;
}

function StyleTags({ tags, chosen }: { tags: readonly string[]; chosen: readonly string[] }) {
  const set = useWish((state) => state.set);
  return (
    <fieldset>
      <legend className="label-caps mb-1.5">
        Style <span className="font-normal">· at most {MOST_STYLE_TAGS}</span>
      </legend>
      <div className="flex flex-wrap gap-1.5">
        {tags.map((tag) => {
          const on = chosen.includes(tag);
          return (
            <button
              key={tag}
              type="button"
              aria-pressed={on}
              disabled={!on && chosen.length >= MOST_STYLE_TAGS}
              onClick={() => set({ styleTags: toggleStyle(chosen, tag) })}
              className={cn(
                "h-7 rounded-full border px-2.5 text-xs font-medium transition-colors",
                "disabled:opacity-45",
                on
                  ? "border-blue bg-blue-soft text-blue"
                  : [
                      "border-line bg-raised text-soft",
                      "enabled:hover:border-edge enabled:hover:text-ink",
                    ],
              )}
            >
              {words(tag)}
            </button>
          );
        })}
      </div>
    </fieldset>
  );
}
