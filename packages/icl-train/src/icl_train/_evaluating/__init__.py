"""What evaluations are made of: their sequences, calls of the model beside each other, and how answers are judged."""
