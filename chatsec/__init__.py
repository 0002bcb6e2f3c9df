"""chatsec: a chatbot backend with the security office built in."""
