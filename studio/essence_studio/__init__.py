"""What trains and packs avatars."""
