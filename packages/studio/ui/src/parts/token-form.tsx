import { useState } from "preact/hooks";

/** Asks for the token from the terminal. */
export function TokenForm({ error, onToken }: { error: string; onToken: (token: string) => void }) {
  const [value, setValue] = useState("");
  return (
    <form
      class="token"
      onSubmit={(event) => {
        event.preventDefault();
        // The whole address may be pasted too.
        onToken(value.trim().replace(/^.*#token=/, ""));
      }}
    >
      <label>
        Token, or the whole address as the terminal shows it
        <input
          type="password"
          autocomplete="off"
          value={value}
          onInput={(event) => setValue(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Use it</button>
      {error !== "" && <p role="alert">{error}</p>}
    </form>
  );
}
