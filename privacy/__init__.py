"""What is held on people, why, for how long, and how they get it or have it gone."""
