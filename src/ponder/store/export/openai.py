"""A trace as one line of training data: OpenAI's `messages`, the reasoning in `reasoning_content`."""

from ponder.store.codec import dumps
from ponder.store.values import Bundle


def to_openai(bundle: Bundle) -> str:
    """The conversation with the answer as its last message, as one line of JSON."""
    trace = bundle.trace
    turns = [(m.role, m.content, m.reasoning) for m in trace.request.messages]
    messages = []
    for role, content, reasoning in (*turns, ("assistant", trace.answer, trace.reasoning)):
        message = {"role": role, "content": content}
        if reasoning:
            message["reasoning_content"] = reasoning
        messages.append(message)
    return dumps({"messages": messages}) + "\n"
