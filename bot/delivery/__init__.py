"""Messages that come by themselves: choosing the text, sending, lost chats."""
